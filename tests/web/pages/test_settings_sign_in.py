"""The rules of signing in: who may change them, and that nobody locks themselves out."""

from __future__ import annotations

import re

from pyotp.totp import TOTP

from tests.web.pages.conftest import Site
from tests.web.seed import PASSWORD, audit_actions

ON = {"is_second_factor_required": "on", "is_password_allowed": "on"}


def test_a_second_factor_is_demanded_by_who_has_one(site: Site):
    browser, at = site.browser(), f"{site.base}/settings/sign-in"
    assert "0 of 4 members" in browser.get(at).text
    refused = browser.post(at, data=ON)
    assert refused.status_code == 409
    assert "for yourself first" in refused.text
    # The form still shows what was chosen.
    assert re.search(r'name="is_second_factor_required" value="on" checked', refused.text)
    begun = browser.post(f"{site.base}/profile/second-factor", data={"password": PASSWORD})
    key = re.search(r'id="app-key">([^<]+)<', begun.text)
    assert key
    code = TOTP(key[1].replace(" ", "")).now()
    assert browser.post(f"{site.base}/profile/second-factor/confirm", data={"code": code}).status_code == 200
    assert browser.post(at, data=ON).status_code == 303
    assert browser.get(at).status_code == 200
    assert "1 of 4 members" in browser.get(at).text
    # Everybody else signs in again.
    assert "why=second_factor_needed" in site.browser("ines").get(f"{site.base}/agents").headers["location"]
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-1] == "workspace.sign_in_rules_changed"
    assert browser.post(at, data={"is_password_allowed": "on"}).status_code == 303
    assert site.browser("ines").get(f"{site.base}/agents").status_code == 200


def test_passwords_stay_while_they_are_the_only_way_in(site: Site):
    refused = site.browser().post(f"{site.base}/settings/sign-in", data={"is_password_allowed": ""})
    assert refused.status_code == 409
    assert "Set up single sign-on first" in refused.text
    assert (
        site.visitor()
        .post("/sign-in", data={"email": "rosa@northwind.example", "password": PASSWORD})
        .headers["location"]
        == "/w/northwind"
    )


def test_who_may_not(site: Site):
    at = f"{site.base}/settings/sign-in"
    builder = site.browser("ines")
    assert "You can see the rules, not change them" in builder.get(at).text
    assert builder.post(at, data=ON).status_code == 403
    assert "You can see the rules, not change them" in site.browser("tomasz").get(at).text
    assert site.browser("tomasz").post(at, data=ON).status_code == 403
