"""Setting single sign-on up: what an administrator sees, what is refused, what each button does."""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest
from sqlalchemy import select
from starlette.responses import PlainTextResponse

from signoff.kit import clock
from signoff.people.access import Principal
from signoff.people.actions import add_member, open_session, set_role
from signoff.people.providers import client_secret
from signoff.settings import Settings
from signoff.tables.identity import IdentityProvider
from signoff.tables.people import Member, Person
from signoff.tables.session import Store
from tests.kit_issuer import CLIENT_ID, CLIENT_SECRET, Issuer, issuing
from tests.web.pages.conftest import Site
from tests.web.pages.kit_sso import open_door, role_of, small_site

SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def issuer() -> Generator[Issuer]:
    with issuing() as found:
        yield found


@pytest.fixture
def site(store: Store, settings: Settings) -> Site:
    return small_site(store, settings)


def filled(issuer: Issuer, page: str, **more: str) -> dict[str, str]:
    """The form as somebody fills it in."""
    shown = re.search(r'name="id" value="(idp_[a-z0-9]+)"', page)
    return {
        **({"id": shown.group(1)} if shown else {}),
        "name": "Acme Login",
        "issuer": issuer.url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scopes": "openid email profile",
        "default_role": "refuse",
        **more,
    }


def only(site: Site) -> IdentityProvider:
    with site.store.read() as session:
        return session.scalars(select(IdentityProvider)).one()


def test_from_nothing_to_the_first_sign_in(site: Site, issuer: Issuer):
    mei, at = site.browser("mei"), f"{site.base}/settings/sso"
    assert "No identity provider yet" in mei.get(at).text
    form = mei.get(f"{at}/new").text
    callback = re.search(r"http://testserver(/sign-in/sso/idp_[a-z0-9]+/callback)", form)
    assert callback
    sent = filled(issuer, form, group_claim="groups", role_rules="a = b = member\nleads = Manager\n\n",
                  domains="northwind.example, northwind.co", makes_members="yes")  # fmt: skip
    made = mei.post(at, data=sent)
    assert made.status_code == 303
    row = only(site)
    assert made.headers["location"] == f"{at}/{row.id}"
    assert f"/sign-in/sso/{row.id}/callback" == callback.group(1)
    assert row.role_rules == [["a = b", "member"], ["leads", "manager"]]
    assert row.domains == ["northwind.example", "northwind.co"]
    assert "Continue with" not in mei.get("/sign-in").text
    tested = mei.post(f"{at}/{row.id}/test")
    assert "It answers, and is the issuer you entered" in tested.text
    assert "1 key to sign with, for RS256" in tested.text
    assert mei.post(f"{at}/{row.id}/switch", data={"to": "on"}).status_code == 303
    visitor = site.visitor()
    issuer.claims = {"groups": ["leads"]}
    location = visitor.get(f"/sign-in/sso/{row.id}/start").headers["location"]
    assert visitor.get(issuer.authorize(location)).status_code == 303
    assert role_of(site, "ines@northwind.example") == "manager"
    page = mei.get(f"{at}/{row.id}").text
    assert "ines@northwind.example" in page
    assert mei.get(f"{site.base}/settings/members").text.count("Single sign-on, or a password") == 1
    assert (
        "with single sign-on, or a password"
        in mei.get(f"{site.base}/settings/members/{site.seeded.people['ines'].id}").text
    )
    assert "a = b = member\nleads = manager" in page


def test_what_was_entered_wrong_is_kept_and_named_and_the_secret_is_not_drawn(site: Site, issuer: Issuer):
    mei, at = site.browser("mei"), f"{site.base}/settings/sso"
    form = mei.get(f"{at}/new").text
    sent = filled(issuer, form, role_rules="leads", name='<b>"x"</b>') | {"issuer": "http://not.example"}
    again = mei.post(at, data=sent)
    assert again.status_code == 422
    assert "reached by https only" in again.text
    assert "“leads” has no group" in again.text
    assert "Name the claim that lists" in again.text
    assert "http://not.example" in again.text
    assert f'value="{sent["id"]}"' in again.text
    assert CLIENT_SECRET not in again.text
    assert "<b>" not in again.text.split("</head>")[1]


@pytest.mark.parametrize("who", ["ines", "tomasz", "rosa"])
@SQLITE
def test_nobody_below_an_administrator_gets_in(site: Site, issuer: Issuer, who: str):
    door = open_door(site, issuer)
    browser, at = site.browser(who), f"{site.base}/settings/sso"
    for path in ("", "/new", f"/{door.id}"):
        assert browser.get(at + path).status_code == 403
    for path in ("", "/passwords", f"/{door.id}", *(f"/{door.id}/{verb}" for verb in ("test", "switch", "confirm",
                 "remove", "unlink/idn_x"))):  # fmt: skip
        assert browser.post(at + path, data=filled(issuer, "")).status_code == 403, path
    assert only(site).is_enabled


@SQLITE
def test_another_workspaces_provider_is_not_there(site: Site, issuer: Issuer, settings: Settings):
    from tests.web.seed import workspace

    door = open_door(site, issuer)
    with site.store.write() as session:
        other = workspace(session, "other", "Other")
    stranger = site.browser("mei")
    stranger.cookies.set("session", other.cookies["mei"])
    for verb in ("test", "switch", "confirm", "remove", "unlink/idn_x"):
        assert stranger.post(f"/w/other/settings/sso/{door.id}/{verb}", data={"to": "off"}).status_code == 404
    assert stranger.get(f"/w/other/settings/sso/{door.id}").status_code == 404
    assert stranger.post(f"/w/other/settings/sso/{door.id}", data=filled(issuer, "")).status_code == 404
    assert "Acme Login" not in stranger.get("/w/other/settings/sso").text
    assert only(site).is_enabled


@SQLITE
def test_a_test_says_what_is_wrong_without_the_providers_words(site: Site, issuer: Issuer):
    door = open_door(site, issuer)
    mei, at = site.browser("mei"), f"{site.base}/settings/sso/{door.id}"
    issuer.answers = {"/.well-known/openid-configuration": lambda: PlainTextResponse("<script>", 500)}
    page = mei.post(f"{at}/test")
    assert page.status_code == 200
    assert "It cannot be used as it is" in page.text
    assert "status 500" in page.text
    issuer.answers, issuer.metadata = {}, {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    assert "takes no client secret" in mei.post(f"{at}/test").text


def test_a_change_keeps_the_secret_and_a_new_issuer_wants_it_again(site: Site, issuer: Issuer):
    door = open_door(site, issuer)
    mei, at = site.browser("mei"), f"{site.base}/settings/sso/{door.id}"
    version = str(only(site).version)
    sent = filled(issuer, "", name="Renamed", client_secret="", version=version)
    assert mei.post(at, data=sent).status_code == 303
    row = only(site)
    assert row.name == "Renamed"
    assert client_secret(site.app.state.house.single_sign_on.sealer, row) == CLIENT_SECRET
    late = mei.post(at, data=sent)
    assert late.status_code == 409
    assert "meanwhile" in late.text
    sent |= {"version": str(row.version), "issuer": "https://elsewhere.example"}
    again = mei.post(at, data=sent)
    assert again.status_code == 422
    assert "Enter the client secret again" in again.text
    assert "https://elsewhere.example" in again.text
    for version in ("", "x", "-1", "9" * 30, "²"):
        assert mei.post(at, data={**sent, "version": version, "client_secret": "x"}).status_code == 409


@SQLITE
def test_an_owner_confirms_what_an_administrator_set_up(site: Site, issuer: Issuer):
    owner = site.seeded.owner
    with site.store.write() as session:
        set_role(session, owner, site.seeded.people["ines"].id, role="administrator")
    ines = Principal("member", site.seeded.people["ines"].id, "Ines", owner.workspace_id, "administrator")
    door = open_door(site, issuer, by=ines)
    at = f"{site.base}/settings/sso/{door.id}"
    page = site.browser("ines").get(at).text
    assert "It lets no owner in" in page
    assert "Confirm it for owners" not in page
    sent = {"version": str(only(site).version)}
    refused = site.browser("ines").post(f"{at}/confirm", data=sent)
    assert refused.status_code == 403
    issuer.claims = {"email": "mei@northwind.example"}
    assert door.sign_in(site.visitor()).status_code == 403
    assert door.reasons() == ["owner_not_vouched"]
    assert site.browser("mei").post(f"{at}/confirm", data=sent).status_code == 303
    assert door.sign_in(site.visitor()).status_code == 303


@SQLITE
def test_an_account_is_unlinked_and_a_provider_switched_off_and_removed(site: Site, issuer: Issuer):
    door = open_door(site, issuer)
    ines = site.visitor()
    door.sign_in(ines)
    mei, at = site.browser("mei"), f"{site.base}/settings/sso/{door.id}"
    linked = re.search(r"/unlink/(idn_[a-z0-9]+)", mei.get(at).text)
    assert linked
    assert mei.post(f"{at}/unlink/{linked.group(1)}").status_code == 303
    assert ines.get(site.base).status_code == 303
    assert mei.post(f"{at}/unlink/{linked.group(1)}").status_code == 404
    door.sign_in(ines)
    assert ines.get(site.base).status_code == 200
    assert mei.post(f"{at}/switch", data={"to": "off"}).status_code == 303
    assert ines.get(site.base).status_code == 303
    assert mei.post(f"{at}/remove").status_code == 303
    assert "No identity provider yet" in mei.get(f"{site.base}/settings/sso").text


def test_passwords_are_switched_off_and_on(site: Site, issuer: Issuer):
    door = open_door(site, issuer)
    mei, at = site.browser("mei"), f"{site.base}/settings/sso"
    early = mei.post(f"{at}/passwords", data={"sso_only": "on"})
    assert early.status_code == 409
    assert "Set up single sign-on first, and try it" in early.text
    ines = site.visitor()
    door.sign_in(ines)
    assert mei.post(f"{at}/passwords", data={"sso_only": "on"}).status_code == 303
    assert "Allow passwords again" in mei.get(at).text
    tomasz = site.browser("tomasz")
    sent_away = tomasz.get(f"{site.base}/runs")
    assert sent_away.headers["location"] == (f"/sign-in?next=%2Fw%2F{site.seeded.slug}%2Fruns&why=password_not_allowed")
    assert "Continue with Acme Login" in tomasz.get(sent_away.headers["location"]).text
    typed = site.visitor().post(
        "/sign-in", data={"email": "tomasz@northwind.example", "password": "a sentence nobody guesses"}
    )
    assert typed.status_code == 401
    assert "Use single sign-on" in typed.text
    assert "Continue with Acme Login" in typed.text
    assert ines.get(f"{site.base}/runs").status_code == 200
    refused = mei.post(f"{at}/{door.id}/switch", data={"to": "off"})
    assert refused.status_code == 409
    assert "only way in" in refused.text
    assert mei.post(f"{at}/passwords").status_code == 303
    assert tomasz.get(f"{site.base}/runs").status_code == 200


@SQLITE
def test_a_session_of_single_sign_on_is_shown_one_workspace(site: Site, issuer: Issuer):
    from tests.web.seed import workspace

    with site.store.write() as session:
        other = workspace(session, "other", "The Other")
        ines = session.scalars(select(Person).where(Person.email == "ines@northwind.example")).one()
        ines.address_proven_at = clock.now()
        session.flush()
        made = add_member(session, other.owner, email=ines.email, name="Ines", role="owner")
        person_id = session.get_one(Member, made).person_id
        both = open_session(session, person_id, lifetime_seconds=60, workspace_id=site.seeded.workspace_id)
    with_password = site.visitor()
    with_password.cookies.set("session", both.session_token)
    assert "The Other" in with_password.get(site.base).text
    browser = site.visitor()
    open_door(site, issuer).sign_in(browser)
    assert "The Other" not in browser.get(site.base).text
    assert browser.get("/w/other").status_code == 404
    assert browser.get("/switch/workspace/other").status_code == 404
