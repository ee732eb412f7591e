"""Where a provider sends people back to: taken once, from the browser that left; every other way is told in words."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.kit_oauth import Provider
from tests.web.pages.conftest import Site
from tests.web.pages.kit_oauth_pages import agree, login, orders, provider, server, way_to

__all__ = ["orders", "provider", "server"]


def begin(site: Site, orders: str, who: str = "mei") -> str:
    return site.browser(who).post(f"{site.base}/connections/{orders}/login/authorise").text


def test_it_works_once(site: Site, orders: str, provider: Provider):
    browser = site.browser()
    back = agree(browser, begin(site, orders))
    assert browser.get(back).status_code == 303
    assert login(site, orders).state == "active"
    again = browser.get(back)
    assert again.status_code == 409
    assert "was used already" in again.text


def test_another_browser_cannot_bring_it_back(site: Site, orders: str, provider: Provider):
    back = agree(site.browser(), begin(site, orders))
    stolen = site.browser("ines").get(back)
    assert stolen.status_code == 409
    assert "did not begin such a sign-in" in stolen.text
    assert site.visitor().get(back).status_code == 303, "a visitor signs in first"
    assert provider.asked == []
    assert login(site, orders).state == "needs_login"


def test_a_refusal_there_is_told_here(site: Site, orders: str, provider: Provider):
    provider.trouble = "denied"
    told = site.browser().get(agree(site.browser(), begin(site, orders)))
    assert told.status_code == 409
    assert "Access was denied at the provider" in told.text
    assert "The person said no" in told.text
    assert f"{site.base}/connections/{orders}/login" in told.text


def test_a_code_that_is_not_taken_is_told(site: Site, orders: str, provider: Provider):
    state = parse_qs(urlsplit(way_to(begin(site, orders))).query)["state"][0]
    told = site.browser().get("/oauth/callback", params={"state": state, "code": "made-up"})
    assert told.status_code == 409
    assert "no longer accepts this login" in told.text


def test_words_from_outside_stay_words(site: Site, orders: str, provider: Provider):
    state = parse_qs(urlsplit(way_to(begin(site, orders))).query)["state"][0]
    told = site.browser().get(
        "/oauth/callback", params={"state": state, "error": "<b>x</b>", "error_description": "<script>" * 3}
    )
    assert "<script>&" not in told.text
    assert "&lt;b&gt;" in told.text


def test_without_a_state_nothing_is_asked(site: Site, provider: Provider):
    for query in ("", "?code=x", "?state=" + "y" * 5_000, "?state=%00"):
        assert site.browser().get(f"/oauth/callback{query}").status_code == 409
