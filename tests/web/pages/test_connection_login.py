"""The login of a connection: found out, registered, set up by hand, authorised, refreshed, ended."""

from __future__ import annotations

import re
from typing import Any

import pytest

from signoff.connections.actions import create_connection
from tests.kit_oauth import Provider, running_system
from tests.web.pages.conftest import Site
from tests.web.pages.kit_oauth_pages import agree, login, make_orders, orders, provider, server, way_to

__all__ = ["orders", "provider", "server"]


def at(site: Site, connection: str, rest: str = "") -> str:
    return f"{site.base}/connections/{connection}/login{rest}"


def form(provider: Provider, **changes: str) -> dict[str, str]:
    return {
        "kind": "oauth_authorization_code",
        "principal": "personal",
        "issuer": provider.url,
        "authorize_url": f"{provider.url}/authorize",
        "token_url": f"{provider.url}/token",
        "revoke_url": f"{provider.url}/revoke",
        "resource": "",
        "client_id": "cli-1",
        "client_auth": "client_secret_basic",
        "client_secret": "client-secret-1",
        "scopes": "orders:read orders:write",
        **changes,
    }


def test_an_mcp_server_is_asked_and_signoff_registers_itself(site: Site, provider: Provider):
    browser, owner = site.browser(), site.seeded.owner
    with running_system(provider) as system:
        with site.store.write() as session:
            made = create_connection(
                session, owner, environment_id=site.seeded.environments["staging"], slug="orders", name="Orders",
                kind="mcp_http", config={"url": system.url},
            )  # fmt: skip
        assert "Set up OAuth" in browser.get(f"{site.base}/connections/{made}").text
        assert "Ask the system" in browser.get(at(site, made)).text
        found = browser.post(at(site, made, "/find"), data={"kind": "oauth_authorization_code"})
        assert f"Found: {provider.url}" in found.text
        assert f'value="{provider.url}/token"' in found.text
        assert browser.post(at(site, made, "/register"), data={"issuer": ""}).status_code == 303
        view = login(site, made)
        assert (view.client_id, view.is_registered_by_us, view.resource) == ("dyn-1", True, system.url)
        assert provider.registered[0]["redirect_uris"] == ["http://testserver/oauth/callback"]
        away = browser.post(at(site, made, "/authorise"))
        assert browser.get(agree(browser, away.text)).headers["location"] == f"{site.base}/connections/{made}"
        answer = browser.post(f"{site.base}/connections/{made}/discover", follow_redirects=True)
        assert "2 tools found and accepted" in answer.text
        assert login(site, made).state == "active"


def test_it_is_set_up_by_hand_and_what_was_typed_is_kept(site: Site, provider: Provider):
    erp, browser = site.seeded.connections["production/erp"], site.browser()
    wrong = browser.post(at(site, erp), data=form(provider, token_url="http://login.example.com/token"))
    assert wrong.status_code == 422
    assert "is not https" in wrong.text
    assert 'value="cli-1"' in wrong.text
    assert "orders:write" in wrong.text
    assert "client-secret-1" not in wrong.text
    assert browser.post(at(site, erp), data=form(provider)).status_code == 303
    html = browser.get(at(site, erp)).text
    assert "Not authorised yet" in html
    assert "client-secret-1" not in html
    assert "Left empty, the one that is kept stays" in html
    assert browser.post(at(site, erp), data=form(provider, client_secret="", scopes="a")).status_code == 303
    assert login(site, erp).scopes_asked == ("a",)


def test_a_provider_is_looked_up_by_its_name(site: Site, provider: Provider):
    erp, browser = site.seeded.connections["production/erp"], site.browser()
    found = browser.post(at(site, erp, "/find"), data={"issuer": provider.url, "client_id": "mine", "scopes": "x"})
    assert f'value="{provider.url}/authorize"' in found.text
    assert 'value="mine"' in found.text
    bad = browser.post(at(site, erp, "/find"), data={"issuer": "https://127.0.0.1:1/", "client_id": "mine"})
    assert bad.status_code == 409
    assert 'value="mine"' in bad.text


def test_it_is_authorised_by_a_page_that_says_where_one_goes(site: Site, orders: str, provider: Provider):
    browser = site.browser()
    away = browser.post(at(site, orders, "/authorise"))
    assert away.status_code == 200
    assert away.headers["cache-control"] == "no-store"
    assert "orders:read" in away.text
    assert "code_challenge_method=S256" in way_to(away.text)
    assert browser.get(agree(browser, away.text)).status_code == 303
    page = browser.get(f"{site.base}/connections/{orders}").text
    assert "Signed in" in page
    assert "Authorise again" in page
    assert not re.search(r"\b[ar]t-[\w-]{20,}", page), "no token on a page"


def test_a_personal_account_in_production_is_flagged_with_what_was_granted(site: Site, provider: Provider):
    made, browser = make_orders(site, provider, principal="personal", scopes=("orders:read",)), site.browser()
    provider.scopes_given = "orders:write"
    browser.get(agree(browser, browser.post(at(site, made, "/authorise")).text))
    for html in (browser.get(at(site, made)).text, browser.get(f"{site.base}/connections/{made}").text):
        assert "A personal account in production" in html
        assert "More was granted than asked for" in html
        assert "Less was granted than asked for" in html
    assert "not granted" in browser.get(at(site, made)).text


def test_it_is_refreshed_and_signed_out_by_hand(site: Site, orders: str, provider: Provider):
    browser = site.browser()
    assert browser.post(at(site, orders, "/refresh")).status_code == 409
    browser.get(agree(browser, browser.post(at(site, orders, "/authorise")).text))
    assert browser.post(at(site, orders, "/refresh")).status_code == 303
    assert len(provider.grants("refresh_token")) == 1
    provider.trouble = "invalid_grant"
    failed = browser.post(at(site, orders, "/refresh"))
    assert failed.status_code == 409
    assert "no longer accepts this login" in failed.text
    page = browser.get(f"{site.base}/connections/{orders}").text
    assert "The login expired or was revoked" in page, "the diagnosis, with its fix"
    assert "Authorise again" in page
    assert browser.post(at(site, orders, "/end")).status_code == 303
    assert browser.post(at(site, orders, "/end")).status_code == 409


def test_a_client_that_signs_in_for_itself_needs_no_person(site: Site, provider: Provider):
    made = make_orders(site, provider, kind="oauth_client_credentials")
    browser = site.browser()
    assert "Sign in" in browser.get(at(site, made)).text
    provider.clients["cli-1"] = "another"
    refused = browser.post(at(site, made, "/authorise"))
    assert refused.status_code == 409
    assert "its secret is wrong" in refused.text
    provider.clients["cli-1"] = "client-secret-1"
    assert browser.post(at(site, made, "/authorise")).status_code == 303
    assert login(site, made).state == "active"


@pytest.mark.parametrize("rest", ["", "/find", "/register", "/authorise", "/refresh", "/end"])
def test_who_only_looks_and_strangers_change_nothing(site: Site, orders: str, provider: Provider, rest: str):
    data: Any = form(provider)
    assert site.browser("rosa").post(at(site, orders, rest), data=data).status_code == 403
    assert site.browser("rosa").get(at(site, orders)).status_code == 403
    assert site.browser().post(at(site, "con_nowhere", rest), data=data).status_code == 404
    assert login(site, orders).state == "needs_login"


def test_a_folder_of_mail_has_no_login(site: Site, provider: Provider):
    mail = site.seeded.connections["production/mail"]
    refused = site.browser().post(at(site, mail), data=form(provider))
    assert refused.status_code == 409
    assert "Only MCP servers over HTTP and HTTP APIs" in refused.text
