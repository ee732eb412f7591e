"""The second step in a browser without script: a code, or an app set up on the way in."""

from __future__ import annotations

import re

import pytest
from pyotp.totp import TOTP
from sqlalchemy import update
from starlette.testclient import TestClient

from signoff.connections.keys import load_keys
from signoff.kit.sealing import Sealer
from signoff.people.entrance import Entrance
from signoff.tables.people import SecondFactor, SignInSession, Workspace
from tests.web.pages.conftest import Site
from tests.web.seed import PASSWORD

MEI = {"email": "mei@northwind.example", "password": PASSWORD}


def with_factor(site: Site, who: str = "mei") -> tuple[TOTP, list[str]]:
    sealer = Sealer(load_keys(site.app.state.house.settings))
    own = Entrance(site.store, sealer, attempts_per_minute=100, session_seconds=60).own_factor
    app = TOTP(own.begin(site.seeded.people[who]))
    codes = own.confirm(site.seeded.people[who], app.now(), session_id="").codes
    with site.store.write() as session:
        session.execute(update(SecondFactor).values(last_step=0))
    return app, codes


def require(site: Site) -> None:
    with site.store.write() as session:
        session.execute(update(Workspace).values(is_second_factor_required=True))


def halfway(site: Site, target: str = "") -> tuple[TestClient, str]:
    visitor = site.visitor()
    answer = visitor.post("/sign-in", data={**MEI, "next": target})
    assert answer.status_code == 303
    return visitor, answer.headers["location"]


def test_a_password_leads_to_the_second_step_and_to_nothing_else(site: Site):
    app, _ = with_factor(site)
    visitor, place = halfway(site, f"{site.base}/agents?tag=demo")
    assert place.startswith("/sign-in/code?next=")
    cookie = next(line for line in visitor.cookies.jar if line.name == "sign-in")
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert "session" not in visitor.cookies
    assert visitor.get(f"{site.base}/agents").status_code == 303
    # Nor does its token as a session cookie, in pages or in the API.
    thief = site.visitor()
    thief.cookies.set("session", visitor.cookies["sign-in"])
    assert thief.get(f"{site.base}/agents").status_code == 303
    form = visitor.get(place)
    assert "mei@northwind.example" in form.text
    assert form.headers["cache-control"] == "no-store"
    entered = visitor.post("/sign-in/code", data={"code": app.now(), "next": f"{site.base}/agents?tag=demo"})
    assert (entered.status_code, entered.headers["location"]) == (303, f"{site.base}/agents?tag=demo")
    assert "sign-in" not in visitor.cookies
    assert visitor.get(f"{site.base}/agents").status_code == 200


def test_a_wrong_code_keeps_the_form_and_too_many_begin_again(site: Site):
    with_factor(site)
    visitor, place = halfway(site)
    for _ in range(5):
        refused = visitor.post("/sign-in/code", data={"code": "000000"})
        assert refused.status_code == 422
        assert "not right, or was used before" in refused.text
    over = visitor.post("/sign-in/code", data={"code": "000000"})
    assert (over.status_code, over.headers["location"]) == (303, "/sign-in")
    assert "too long or had too many attempts" in visitor.get("/sign-in").text
    assert visitor.get(place).headers["location"] == "/sign-in"


@pytest.mark.parametrize("place", ["/sign-in/code", "/sign-in/set-up"])
def test_without_a_first_step_there_is_no_second(site: Site, place: str):
    for visitor in (site.visitor(), site.browser()):
        assert visitor.get(place).headers["location"] == "/sign-in"
        assert visitor.post(place, data={"code": "123456"}).headers["location"] == "/sign-in"


def test_the_id_of_a_session_is_never_one_from_before(site: Site):
    app, codes = with_factor(site)
    visitor = site.visitor()
    # An attacker plants what they know: neither becomes the session.
    visitor.cookies.set("session", "ses_planted", domain="testserver.local")
    visitor.cookies.set("sign-in", "psi_planted", domain="testserver.local")
    visitor.post("/sign-in", data=MEI)
    entered = visitor.post("/sign-in/code", data={"code": codes[0]})
    made = re.search(r"session=([^;]+);", entered.headers["set-cookie"])
    assert made
    assert "planted" not in made[1]
    with site.store.read() as session:
        rows = session.query(SignInSession).filter(SignInSession.is_two_factor).count()
    assert rows == 1
    assert app


def test_an_app_is_set_up_on_the_way_in_and_the_codes_are_shown_once(site: Site):
    require(site)
    # A session from before is not enough any more; the browser is told why.
    led = site.browser().get(f"{site.base}/agents")
    assert led.headers["location"] == "/sign-in?next=%2Fw%2Fnorthwind%2Fagents&why=second_factor_needed"
    visitor = site.visitor()
    assert "asks for a second factor" in visitor.get(led.headers["location"]).text
    answer = visitor.post("/sign-in", data={**MEI, "next": f"{site.base}/agents"})
    form = visitor.get(answer.headers["location"])
    picture = re.search(r'<img class="qr" src="(data:image/svg\+xml[^"]+)"', form.text)
    key = re.search(r'id="app-key">([^<]+)<', form.text)
    assert picture
    assert key
    assert "style=" not in form.text
    app = TOTP(key[1].replace(" ", ""))
    wrong = visitor.post("/sign-in/set-up", data={"code": "abc", "next": f"{site.base}/agents"})
    assert wrong.status_code == 422
    assert key[1] in wrong.text
    done = visitor.post("/sign-in/set-up", data={"code": app.now(), "next": f"{site.base}/agents"})
    assert done.status_code == 200
    assert done.headers["cache-control"] == "no-store"
    codes = re.findall(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b", done.text)
    assert len(codes) == 10
    assert f'href="{site.base}/agents"' in done.text
    assert visitor.get(f"{site.base}/agents").status_code == 200
    for code in codes:
        assert code not in visitor.get(f"{site.base}/profile/second-factor").text


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example", "/\\evil.example", "/sign-in/code"])
def test_after_the_second_step_nobody_is_sent_elsewhere(site: Site, address: str):
    app, _ = with_factor(site)
    visitor, _ = halfway(site, address)
    entered = visitor.post("/sign-in/code", data={"code": app.now(), "next": address})
    assert entered.headers["location"] == "/w/northwind"


def test_another_sites_form_finishes_nothing(site: Site):
    app, _ = with_factor(site)
    visitor, _ = halfway(site)
    visitor.headers["sec-fetch-site"] = "cross-site"
    assert visitor.post("/sign-in/code", data={"code": app.now()}).status_code == 403


def test_with_https_the_cookie_is_pinned_to_this_host(site: Site):
    with_factor(site)
    site.app.state.house.settings.is_https = True
    answer = site.visitor().post("/sign-in", data=MEI)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-sign-in=psi_")
    for flag in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert flag in cookie
