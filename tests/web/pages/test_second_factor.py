"""One's own second factor, on the profile."""

from __future__ import annotations

import re

from pyotp.totp import TOTP
from sqlalchemy import update

from signoff.tables.people import SecondFactor
from tests.web.pages.conftest import Site
from tests.web.seed import PASSWORD

CODES = re.compile(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b")


def begun(site: Site) -> TOTP:
    answer = site.browser().post(f"{site.base}/profile/second-factor", data={"password": PASSWORD})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    key = re.search(r'id="app-key">([^<]+)<', answer.text)
    assert key
    return TOTP(key[1].replace(" ", ""))


def forget_step(site: Site) -> None:
    with site.store.write() as session:
        session.execute(update(SecondFactor).values(last_step=0))


def test_it_takes_the_password_to_begin(site: Site):
    browser = site.browser()
    refused = browser.post(f"{site.base}/profile/second-factor", data={"password": "not the password"})
    assert refused.status_code == 422
    assert "not your present password" in refused.text
    assert "app-key" not in refused.text
    app = begun(site)
    assert app.secret not in browser.get(f"{site.base}/profile/second-factor").text.replace(" ", "")


def test_it_is_turned_on_renewed_and_turned_off(site: Site):
    browser, at = site.browser(), f"{site.base}/profile/second-factor"
    app = begun(site)
    code = "000000" if app.now() != "000000" else "111111"
    wrong = browser.post(f"{at}/confirm", data={"code": code, "secret": app.secret})
    assert wrong.status_code == 422
    assert "app-key" in wrong.text
    # Somebody else with a session learns nothing by a wrong code: not with another secret, not with none.
    for more in ({}, {"secret": ""}, {"secret": "A" * 32}):
        told = site.browser().post(f"{at}/confirm", data={"code": code, **more})
        assert told.status_code == 422
        assert app.secret not in told.text.replace(" ", "")
        assert "That did not happen" in told.text
    copied = site.visitor()
    copied.cookies.update(browser.cookies)
    assert copied.get(at).status_code == 200
    other = site.visitor()
    there = other.post("/sign-in", data={"email": "mei@northwind.example", "password": PASSWORD})
    assert there.headers["location"] == "/w/northwind"
    on = browser.post(f"{at}/confirm", data={"code": app.now()})
    assert on.status_code == 200
    assert "1 other browser was signed out" in on.text
    assert other.get(at).status_code == 303
    # The browser goes on with a fresh token; a copy of the one before opens nothing.
    assert browser.get(at).status_code == 200
    assert copied.get(at).status_code == 303
    codes = CODES.findall(on.text)
    assert len(codes) == 10
    shown = browser.get(at).text
    assert not CODES.search(shown)
    assert "10 recovery codes left" in shown
    assert browser.post(at, data={"password": PASSWORD}).status_code == 409
    # The code that turned it on was used up by that.
    assert browser.post(f"{at}/codes", data={"code": app.now()}).status_code == 422
    forget_step(site)
    fresh = CODES.findall(browser.post(f"{at}/codes", data={"code": app.now()}).text)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    assert browser.post(f"{at}/off", data={"code": codes[0]}).status_code == 422
    off = browser.post(f"{at}/off", data={"code": fresh[0]})
    assert off.headers["location"] == f"{site.base}/profile"
    entered = site.visitor().post("/sign-in", data={"email": "mei@northwind.example", "password": PASSWORD})
    assert entered.headers["location"] == "/w/northwind"


def test_confirming_nothing_says_so(site: Site):
    answer = site.browser().post(f"{site.base}/profile/second-factor/confirm", data={"code": "123456"})
    assert answer.status_code == 409
    assert "Nothing waits to be confirmed" in answer.text
