"""Signing in and out, as a browser without script does it."""

from __future__ import annotations

import pytest

from signoff.tables.people import SignInSession
from tests.web.pages.conftest import Site
from tests.web.seed import PASSWORD


def test_a_visitor_is_led_to_the_form_and_back(site: Site):
    visitor = site.visitor()
    led = visitor.get(f"{site.base}/agents?tag=demo")
    assert led.status_code == 303
    assert led.headers["location"] == "/sign-in?next=%2Fw%2Fnorthwind%2Fagents%3Ftag%3Ddemo"
    form = visitor.get(led.headers["location"])
    assert 'name="next" value="/w/northwind/agents?tag=demo"' in form.text
    fields = {"email": "mei@northwind.example", "password": PASSWORD, "next": "/w/northwind/agents?tag=demo"}
    entered = visitor.post("/sign-in", data=fields)
    assert (entered.status_code, entered.headers["location"]) == (303, "/w/northwind/agents?tag=demo")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert visitor.get(f"{site.base}/agents").status_code == 200


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(site: Site):
    answers = [
        site.visitor().post("/sign-in", data={"email": email, "password": "wrong wrong wrong"})
        for email in ("mei@northwind.example", "nobody@northwind.example")
    ]
    texts = [
        answer.text.replace(email, "")
        for answer, email in zip(answers, ("mei@northwind.example", "nobody@northwind.example"), strict=True)
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert texts[0] == texts[1]
    assert "do not belong together" in texts[0]
    assert "set-cookie" not in answers[0].headers
    # What was typed stays, but for the password.
    assert 'value="mei@northwind.example"' in answers[0].text
    assert "wrong wrong" not in answers[0].text


def test_too_many_attempts_say_how_long_to_wait(site: Site):
    visitor = site.visitor()
    refused = visitor.post("/sign-in", data={"email": "mei@northwind.example", "password": "x"})
    # Ten at once; on a slow machine some come back meanwhile.
    for _ in range(60):
        refused = visitor.post("/sign-in", data={"email": "mei@northwind.example", "password": "x"})
        if refused.status_code == 429:
            break
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert f"Try again in {refused.headers['retry-after']} seconds" in refused.text


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example", "/\\evil.example", "/sign-out", "x"])
def test_after_signing_in_nobody_is_sent_elsewhere(site: Site, address: str):
    fields = {"email": "mei@northwind.example", "password": PASSWORD, "next": address}
    assert site.visitor().post("/sign-in", data=fields).headers["location"] == "/w/northwind"


def test_signing_out_ends_the_session_on_the_server(site: Site):
    browser = site.browser()
    left = browser.post("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
    with site.store.read() as session:
        ended = session.query(SignInSession).filter(SignInSession.revoked_at.is_not(None)).count()
    assert ended == 1
    # The old cookie opens nothing any more.
    assert site.browser().get(f"{site.base}/agents").status_code == 303


def test_another_sites_form_signs_nobody_out(site: Site):
    browser = site.browser()
    browser.headers["sec-fetch-site"] = "cross-site"
    assert browser.post("/sign-out").status_code == 403
    assert site.browser().get(f"{site.base}/agents").status_code == 200
