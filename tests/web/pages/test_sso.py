"""Signing in through an identity provider: the good way, and every way it is refused."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select, update
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from signoff.connectors.oidc import wire
from signoff.kit import clock
from signoff.settings import Settings
from signoff.tables.identity import IdentityProvider, SignInAttempt
from signoff.tables.people import SignInSession, Workspace
from signoff.tables.session import Store
from tests.kit_issuer import CLIENT_ID, KEY, OTHER_KEY, Issuer, half_hash, issuing, signed
from tests.web.pages.conftest import Site
from tests.web.pages.kit_sso import Door, open_door, small_site

SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def issuer() -> Generator[Issuer]:
    with issuing() as found:
        yield found


@pytest.fixture
def site(store: Store, settings: Settings) -> Site:
    return small_site(store, settings)


@pytest.fixture
def door(site: Site, issuer: Issuer) -> Door:
    return open_door(site, issuer)


def test_a_member_comes_in_and_lands_where_they_were_going(site: Site, door: Door):
    browser = site.visitor()
    target = f"{site.base}/runs?state=failed"
    page = browser.get("/sign-in", params={"next": target})
    assert "Continue with Acme Login" in page.text
    location = door.leave(browser, target)
    asked = parse_qs(urlsplit(location).query)
    assert asked["redirect_uri"] == [f"http://testserver/sign-in/sso/{door.id}/callback"]
    assert asked["scope"] == ["openid email profile"]
    back = door.come_back(browser, location)
    assert (back.status_code, back.headers["location"]) == (303, target)
    assert back.headers["cache-control"] == "no-store"
    home = browser.get(site.base)
    assert home.status_code == 200
    assert "Ines" in home.text
    assert "Ines of Elsewhere" not in home.text
    assert [row.detail["how"] for row in door.audit("session.opened")][-1] == "sso"
    assert len(door.audit("identity.linked")) == 1


def test_the_second_time_the_account_is_known_whatever_its_address_is_then(site: Site, door: Door, issuer: Issuer):
    assert door.sign_in(site.visitor()).status_code == 303
    issuer.claims = {"email": "somebody.else@example.org", "email_verified": False}
    browser = site.visitor()
    assert door.sign_in(browser).status_code == 303
    assert "ines@northwind.example" in browser.get(site.base).text
    assert len(door.audit("identity.linked")) == 1


def test_the_cookie_of_a_sign_in_is_short_lived_and_gone_afterwards(site: Site, door: Door):
    browser = site.visitor()
    response = browser.get(f"/sign-in/sso/{door.id}/start")
    cookie = response.headers["set-cookie"].lower()
    assert cookie.startswith("sso=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "max-age=600" in cookie
    token = browser.cookies["sso"]
    with site.store.read() as session:
        stored = session.scalars(select(SignInAttempt)).one()
    assert token not in (stored.token_hash, stored.target, stored.id)
    assert token not in response.headers["location"]
    back = door.come_back(browser, response.headers["location"])
    assert 'sso="";' in back.headers["set-cookie"] or "sso=;" in back.headers["set-cookie"]
    assert "sso" not in browser.cookies


def test_a_good_at_hash_and_several_audiences_with_azp_are_taken(site: Site, door: Door, issuer: Issuer):
    issuer.claims = {"at_hash": half_hash(issuer.access_token), "aud": [CLIENT_ID, "api"], "azp": CLIENT_ID}
    assert door.sign_in(site.visitor()).status_code == 303


def refused(door: Door, reason: str, **changed: str) -> Any:
    """Sign in, be refused for `reason`, and be left without a session."""
    browser = door.site.visitor()
    response = door.sign_in(browser, **changed)
    assert response.status_code == 403, response.headers
    assert "You are not signed in" in response.text
    assert "session" not in browser.cookies
    assert door.reasons() == [reason]
    assert browser.get(door.site.base).status_code == 303
    return response


LIES: dict[str, tuple[dict[str, Any], str]] = {
    "another nonce": ({"nonce": "another"}, "wrong_nonce"),
    "another audience": ({"aud": "another"}, "wrong_audience"),
    "no audience": ({"aud": []}, "wrong_audience"),
    "an audience that is no text": ({"aud": {"a": 1}}, "wrong_audience"),
    "two audiences without azp": ({"aud": [CLIENT_ID, "another"]}, "wrong_audience"),
    "made for another party": ({"azp": "another"}, "wrong_audience"),
    "another issuer": ({"iss": "https://evil.example"}, "wrong_issuer"),
    "expired": ({"exp": int(clock.now().timestamp()) - 130}, "token_expired"),
    "an expiry that is no number": ({"exp": "tomorrow"}, "bad_claims"),
    "from the future": ({"iat": int(clock.now().timestamp()) + 600}, "token_from_the_future"),
    "not yet good": ({"nbf": int(clock.now().timestamp()) + 600}, "token_from_the_future"),
    "issued long ago": ({"iat": int(clock.now().timestamp()) - 3_600}, "token_expired"),
    "the wrong access token": ({"at_hash": half_hash("another")}, "bad_claims"),
    "a subject that is no text": ({"sub": 7}, "bad_claims"),
    "an empty subject": ({"sub": ""}, "bad_claims"),
    "an endless subject": ({"sub": "x" * 300}, "bad_claims"),
    "no address": ({"email": None}, "no_email"),
    "an address that is none": ({"email": "not an address"}, "no_email"),
    "an address that is not verified": ({"email_verified": False}, "email_not_verified"),
    "verified in name only": ({"email_verified": "false"}, "email_not_verified"),
    "verified as a list": ({"email_verified": [True]}, "email_not_verified"),
    "nobody here": ({"email": "stranger@northwind.example"}, "not_a_member"),
}


@SQLITE
@pytest.mark.parametrize("lie", LIES)
def test_an_answer_that_does_not_hold_lets_nobody_in(door: Door, issuer: Issuer, lie: str):
    claims, reason = LIES[lie]
    issuer.claims = claims
    assert refused(door, reason).status_code == 403
    assert door.reasons() == [reason]


@SQLITE
@pytest.mark.parametrize("claim", ["nonce", "iss", "sub", "aud", "exp", "iat"])
def test_what_must_be_said_cannot_be_left_out(door: Door, issuer: Issuer, claim: str):
    issuer.left_out = (claim,)
    door.sign_in(door.site.visitor())
    assert len(door.reasons()) == 1
    assert "session" not in door.site.visitor().cookies


def packed(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def unsigned(claims: dict[str, Any], word: str = "none") -> str:
    header = packed(json.dumps({"alg": word, "kid": "one"}).encode())
    return f"{header}.{packed(json.dumps(claims).encode())}."


def by_public_key(claims: dict[str, Any]) -> str:
    """The classic confusion: what everybody may read, taken for a shared secret."""
    header = packed(json.dumps({"alg": "HS256", "kid": "one"}).encode())
    text = f"{header}.{packed(json.dumps(claims).encode())}"
    return f"{text}.{packed(hmac.digest(KEY.as_pem(private=False), text.encode(), 'sha256'))}"


FORGERIES: dict[str, tuple[Callable[[dict[str, Any]], str], str]] = {
    "not signed at all": (unsigned, "bad_algorithm"),
    "not signed, spelled otherwise": (lambda c: unsigned(c, "NoNe"), "bad_algorithm"),
    "signed with the public key as a secret": (by_public_key, "bad_algorithm"),
    "signed by another key under the right name": (lambda c: signed(c, OTHER_KEY), "bad_signature"),
    "signed by a key nobody knows": (lambda c: signed(c, OTHER_KEY, kid="two"), "unknown_key"),
    "named for a file": (lambda c: signed(c, kid="../../etc/passwd"), "unknown_key"),
    "changed after signing": (lambda c: signed(c)[:-8] + "AAAAAAAA", "bad_signature"),
    "no token": (lambda _: "hello", "bad_signature"),
    "five parts": (lambda _: "a.b.c.d.e", "bad_signature"),
    "a header that is a list": (lambda _: "W10.e30.x", "bad_signature"),
}


@SQLITE
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_that_is_not_the_providers_lets_nobody_in(door: Door, issuer: Issuer, forgery: str):
    issuer.sign, reason = FORGERIES[forgery]
    assert refused(door, reason).status_code == 403
    assert door.reasons() == [reason]


def test_a_new_signing_key_is_fetched_when_it_is_first_named_and_made_up_ones_cost_nothing(
    site: Site, door: Door, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
):
    assert door.sign_in(site.visitor()).status_code == 303
    assert issuer.asked.count("/jwks") == 1
    later = clock.monotonic_seconds() + 60
    monkeypatch.setattr(clock, "monotonic_seconds", lambda: later)
    issuer.keys, issuer.sign = [KEY, OTHER_KEY], lambda claims: signed(claims, OTHER_KEY, kid="two")
    assert door.sign_in(site.visitor()).status_code == 303
    assert issuer.asked.count("/jwks") == 2
    issuer.sign = lambda claims: signed(claims, OTHER_KEY, kid="made-up")
    for _ in range(3):
        assert door.sign_in(site.visitor()).status_code == 403
    assert issuer.asked.count("/jwks") == 2


@SQLITE
def test_a_short_key_is_no_key(door: Door, issuer: Issuer):
    with pytest.warns():
        short = RSAKey.generate_key(1024, parameters={"kid": "one"})
    issuer.keys = [short]
    assert refused(door, "bad_keys").status_code == 403
    assert door.reasons() == ["bad_keys"]


@SQLITE
def test_another_state_lets_nobody_in_and_the_right_one_still_does(site: Site, door: Door):
    browser = site.visitor()
    location = door.leave(browser)
    assert door.come_back(browser, location, state="another").status_code == 403
    assert door.come_back(browser, location, state="").status_code == 403
    assert door.come_back(browser, location, state="\u00e9").status_code == 403
    assert door.reasons() == ["wrong_state"] * 3
    assert door.come_back(browser, location).status_code == 303


@SQLITE
def test_an_answer_is_good_in_the_browser_that_began_it_only(site: Site, door: Door):
    location = door.leave(site.visitor())
    elsewhere = site.visitor()
    assert door.come_back(elsewhere, location).status_code == 403
    door.leave(elsewhere)
    assert door.come_back(elsewhere, location).status_code == 403
    assert door.reasons() == ["not_this_browser", "wrong_state"]


def test_a_callback_counts_once(site: Site, door: Door, issuer: Issuer):
    browser = site.visitor()
    address = issuer.authorize(door.leave(browser))
    token = browser.cookies["sso"]
    assert browser.get(address).status_code == 303
    thief = site.visitor()
    thief.cookies.set("sso", token)
    assert thief.get(address).status_code == 403
    assert door.reasons() == ["used_before"]
    assert issuer.asked.count("/token") == 1


@SQLITE
def test_a_code_is_good_once(site: Site, door: Door):
    first = site.visitor()
    location = door.leave(first)
    assert door.come_back(first, location, code="").status_code == 403
    second = site.visitor()
    code = parse_qs(urlsplit(door.issuer.authorize(door.leave(second))).query)["code"][0]
    third = site.visitor()
    # Somebody else's code: PKCE ties it to the browser that asked for it.
    assert door.sign_in(third, code=code).status_code == 403
    assert door.reasons() == ["no_code", "code_refused"]


@SQLITE
def test_an_answer_that_comes_too_late_is_refused(site: Site, door: Door):
    browser = site.visitor()
    location = door.leave(browser)
    with site.store.write() as session:
        session.execute(update(SignInAttempt).values(expires_at=clock.now()))
    assert door.come_back(browser, location).status_code == 403
    assert door.reasons() == ["too_late"]


@SQLITE
def test_an_answer_that_names_another_issuer_is_refused_before_its_code_is_sent_anywhere(door: Door, issuer: Issuer):
    assert refused(door, "wrong_issuer", iss="https://evil.example").status_code == 403
    assert door.reasons() == ["wrong_issuer"]
    assert "/token" not in issuer.asked


@SQLITE
def test_a_provider_that_names_itself_must_do_so_every_time(site: Site, door: Door, issuer: Issuer):
    issuer.metadata = {"authorization_response_iss_parameter_supported": True}
    assert door.sign_in(site.visitor(), iss=issuer.url).status_code == 303
    assert refused(door, "wrong_issuer").status_code == 403
    assert door.reasons() == ["wrong_issuer"]


@SQLITE
def test_an_answer_brought_to_the_address_of_another_provider_is_refused(site: Site, door: Door):
    with issuing() as second:
        other = open_door(site, second)
        browser = site.visitor()
        address = door.issuer.authorize(door.leave(browser)).replace(door.id, other.id)
        assert browser.get(address).status_code == 403
        assert second.asked == []
    assert door.reasons() == ["other_provider"]


@SQLITE
def test_what_the_provider_says_in_an_error_is_not_drawn(site: Site, door: Door):
    browser = site.visitor()
    location = door.leave(browser)
    page = door.come_back(browser, location, code="", error="<script>alert(1)</script>", error_description="<b>x</b>")
    assert page.status_code == 403
    assert "script>alert" not in page.text
    assert "<b>x" not in page.text
    assert door.sign_in(browser, error="access_denied").status_code == 403
    assert door.reasons() == ["provider_error", "denied"]
    assert "script" not in str([row.detail for row in door.audit("sso.refused")])


def huge() -> Response:
    return PlainTextResponse("x" * 600_000)


DESCRIPTION = "/.well-known/openid-configuration"
NO_KEYS = '{"keys": [7, {"kty": "RSA"}, {"kty": "oct", "k": "eA"}]}'
BROKEN: dict[str, tuple[str, Callable[[], Response], str]] = {
    "discovery that is no JSON": (DESCRIPTION, lambda: PlainTextResponse("hi"), "bad_discovery"),
    "discovery that is a list": (DESCRIPTION, lambda: PlainTextResponse("[]"), "bad_discovery"),
    "discovery that is nested deep": (
        DESCRIPTION,
        lambda: PlainTextResponse("[" * 100_000),
        "bad_discovery",
    ),
    "discovery without end": (DESCRIPTION, huge, "provider_unreachable"),
    "discovery elsewhere": (
        DESCRIPTION,
        lambda: RedirectResponse("http://169.254.169.254/"),
        "bad_discovery",
    ),
    "keys that are no JSON": ("/jwks", lambda: PlainTextResponse("hi"), "bad_keys"),
    "keys that are none": ("/jwks", lambda: PlainTextResponse(NO_KEYS),
                           "bad_keys"),
    "keys without end": ("/jwks", huge, "provider_unreachable"),
    "tokens that are no JSON": ("/token", lambda: PlainTextResponse("hi"), "bad_token_answer"),
    "tokens that are none": ("/token", lambda: PlainTextResponse('{"id_token": 7}'), "bad_token_answer"),
    "tokens without end": ("/token", huge, "provider_unreachable"),
    "tokens elsewhere": ("/token", lambda: RedirectResponse("http://127.0.0.1:9/", 307), "bad_token_answer"),
    "a broken server": ("/token", lambda: PlainTextResponse("x", 500), "bad_token_answer"),
}  # fmt: skip


@SQLITE
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_provider_lets_nobody_in_and_breaks_nothing(site: Site, door: Door, issuer: Issuer, what: str):
    path, answer, reason = BROKEN[what]
    issuer.answers = {path: answer}
    browser = site.visitor()
    response = browser.get(f"/sign-in/sso/{door.id}/start")
    if response.status_code == 303:
        response = door.come_back(browser, response.headers["location"])
    assert response.status_code == 403
    assert door.reasons() == [reason]
    issuer.answers = {}
    assert door.sign_in(site.visitor()).status_code == 303


@SQLITE
def test_a_slow_provider_is_given_up(site: Site, door: Door, issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "SECONDS", 0.3)
    issuer.seconds = 2.0
    assert site.visitor().get(f"/sign-in/sso/{door.id}/start").status_code == 403
    assert door.reasons() == ["provider_unreachable"]


@SQLITE
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"issuer": "https://evil.example"}, "wrong_issuer"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "bad_discovery"),
        ({"token_endpoint": "http://169.254.169.254/token"}, "bad_discovery"),
        ({"token_endpoint": None}, "bad_discovery"),
        ({"jwks_uri": "ftp://x"}, "bad_discovery"),
        ({"userinfo_endpoint": ["x"]}, "bad_discovery"),
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_used(
    site: Site, door: Door, issuer: Issuer, said: dict[str, Any], reason: str
):
    issuer.metadata = said
    assert site.visitor().get(f"/sign-in/sso/{door.id}/start").status_code == 403
    assert door.reasons() == [reason]


def test_what_the_token_leaves_out_is_asked_for(site: Site, door: Door, issuer: Issuer):
    issuer.left_out = ("email", "email_verified")
    issuer.user_info = {"email": "ines@northwind.example", "email_verified": True}
    browser = site.visitor()
    assert door.sign_in(browser).status_code == 303
    assert "ines@northwind.example" in browser.get(site.base).text


@SQLITE
def test_what_is_told_of_another_account_is_not_taken(door: Door, issuer: Issuer):
    issuer.left_out = ("email", "email_verified")
    issuer.user_info = {"sub": "account-2", "email": "mei@northwind.example", "email_verified": True}
    assert refused(door, "bad_user_info").status_code == 403
    assert door.reasons() == ["bad_user_info"]


@SQLITE
def test_the_client_secret_goes_into_the_form_where_the_provider_wants_it_there(site: Site, door: Door, issuer: Issuer):
    issuer.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert door.sign_in(site.visitor()).status_code == 303


@SQLITE
def test_a_provider_that_is_off_or_unknown_lets_nobody_leave_or_come_back(site: Site, door: Door):
    browser = site.visitor()
    location = door.leave(browser)
    with site.store.write() as session:
        session.execute(update(IdentityProvider).values(is_enabled=False))
    assert door.come_back(browser, location).status_code == 403
    assert browser.get(f"/sign-in/sso/{door.id}/start").status_code == 403
    assert browser.get("/sign-in/sso/idp_nobody/start").status_code == 403
    assert browser.get(f"/sign-in/sso/{'x' * 500}/callback").status_code == 403
    assert "Continue with" not in browser.get("/sign-in").text
    assert door.reasons() == ["provider_disabled"] * 2


@SQLITE
def test_another_sites_link_asks_first(site: Site, door: Door):
    browser = site.visitor()
    browser.headers["sec-fetch-site"] = "cross-site"
    page = browser.get(f"/sign-in/sso/{door.id}/start", params={"next": f"{site.base}/runs"})
    assert page.status_code == 200
    assert "Another site led you here" in page.text
    assert "sso" not in browser.cookies
    assert browser.get("/sign-in/sso/idp_nobody/start").status_code == 404


@SQLITE
@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil", "/sign-in/sso/x/start", "/w/other/runs"]
)
def test_one_never_lands_on_another_site_or_in_another_workspace(site: Site, door: Door, target: str):
    assert door.sign_in(site.visitor(), target).headers["location"] == site.base


def test_the_page_that_asks_for_the_workspace_tells_unknown_ones_like_those_without(site: Site, door: Door):
    browser = site.visitor()
    slug = site.base.removeprefix("/w/")
    assert "Continue with Acme Login" in browser.get("/sign-in/sso", params={"workspace": slug.upper()}).text
    unknown = browser.get("/sign-in/sso", params={"workspace": "nobody-here"})
    assert "No single sign-on under this name" in unknown.text


@SQLITE
def test_too_many_at_once_wait(site: Site, door: Door):
    sso = site.app.state.house.single_sign_on
    sso._rates = type(sso._rates)(2)
    browser = site.visitor()
    answers = [browser.get(f"/sign-in/sso/{door.id}/start") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


@SQLITE
def test_signing_out_offers_to_sign_out_there_too(site: Site, door: Door, issuer: Issuer):
    browser = site.visitor()
    door.sign_in(browser)
    left = browser.post("/sign-out")
    assert left.headers["location"] == f"/sign-in?left={door.id}"
    page = browser.get(left.headers["location"])
    assert "Sign out of Acme Login too" in page.text
    there = browser.get(f"/sign-in/sso/{door.id}/sign-out").headers["location"]
    assert there.startswith(f"{issuer.url}/leave?theme=dark&client_id=")
    assert parse_qs(urlsplit(there).query)["post_logout_redirect_uri"] == ["http://testserver/sign-in"]
    with site.store.read() as session:
        ended = session.scalars(select(SignInSession).where(SignInSession.provider_id == door.id)).one()
    assert ended.revoked_at is not None


@SQLITE
def test_a_provider_that_does_not_end_sessions_is_not_offered_a_dead_end(site: Site, door: Door, issuer: Issuer):
    issuer.metadata = {"end_session_endpoint": None}
    assert site.visitor().get(f"/sign-in/sso/{door.id}/sign-out").headers["location"] == "/sign-in"


def test_the_profile_says_what_is_out_of_reach_and_changes_none_of_it(site: Site, door: Door):
    browser = site.visitor()
    door.sign_in(browser)
    at = f"{site.base}/profile"
    page = browser.get(at).text
    assert "You signed in with single sign-on of this workspace" in page
    assert "single sign-on</td>" in page
    assert 'name="password"' not in page
    assert f"{at}/second-factor" not in page
    assert browser.post(at, data={"name": "Mallory"}).status_code == 403
    for path in ("/password", "/second-factor", "/second-factor/confirm", "/second-factor/codes", "/second-factor/off"):
        response = browser.post(f"{at}{path}", data={"old": "x", "password": "x", "again": "x", "code": "1"})
        assert response.status_code == 403, path
        assert "Sign in with your password" in response.text, path
    assert browser.get(f"{at}/second-factor").status_code == 403
    assert browser.post(at, data={"name": "Ines Okafor", "time_zone": "Europe/Berlin"}).status_code == 303


def test_without_passwords_a_members_session_ends_and_the_way_in_is_offered(site: Site, door: Door):
    door.sign_in(site.visitor())
    with site.store.write() as session:
        session.execute(update(Workspace).values(is_password_allowed=False))
    sent = site.browser("ines").get(f"{site.base}/runs")
    assert sent.status_code == 303
    page = site.visitor().get(sent.headers["location"]).text
    assert "Use single sign-on" in page
    assert f"/sign-in/sso/{door.id}/start?next=" in page
    assert site.browser("mei").get(f"{site.base}/runs").status_code == 200  # An owner always comes in.


def test_a_suspended_workspace_is_told_and_not_entered(site: Site, door: Door):
    browser = site.visitor()
    location = door.leave(browser)
    with site.store.write() as session:
        session.execute(update(Workspace).values(suspended_at=clock.now(), suspended_reason="unpaid"))
    response = door.come_back(browser, location)
    assert response.status_code == 403
    assert "unpaid" in response.text
    assert "session" not in browser.cookies
