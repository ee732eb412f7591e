"""Secrets: entered, replaced, deleted; a value is in no answer."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

import pytest

from signoff.connections.actions import edit_connection
from signoff.connections.secrets import create_secret, reveal_for_call
from signoff.connections.secrets.queries import secrets_page
from signoff.connections.views import SecretRow
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions

PLANTED = "planted/4711+value of=the secret"
SECOND = "planted-the-second-value"


@pytest.fixture
def erp(site: Site) -> str:
    return site.seeded.connections["production/erp"]


def rows(site: Site) -> dict[str, SecretRow]:
    with site.store.read() as session:
        found = secrets_page(session, site.seeded.owner, environment="production", size=100).rows
    return {row.name: row for row in found}


def enter(site: Site, erp: str, who: str = "mei", **fields: str):
    given = {"connection": erp, "name": "SHOP_TOKEN", "value": PLANTED, "description": "From the shop", **fields}
    return site.browser(who).post(f"{site.base}/secrets/new", data=given)


def value_of(site: Site, erp: str, name: str) -> str:
    with site.store.write() as session:
        vault = site.app.state.house.services.vault
        environment = site.seeded.environments["production"]
        return reveal_for_call(session, vault, environment_id=environment, connection_id=erp, names=[name]).values[name]


def hidden(text: str) -> bool:
    raw = PLANTED.encode()
    forms = (PLANTED, SECOND, quote(PLANTED), quote(PLANTED, safe=""), base64.b64encode(raw).decode(), raw.hex())
    return not any(form in text for form in forms)


def test_without_one_it_says_what_a_secret_is(empty_site: Site):
    html = empty_site.browser().get("/w/bare/secrets").text
    assert "{{secret.NAME}}" in html
    assert "/w/bare/connections/new" in html
    assert "No connection to keep it for" in empty_site.browser().get("/w/bare/secrets/new").text


def test_it_is_kept_encrypted_and_said_where(site: Site, erp: str):
    answer = enter(site, erp)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{site.base}/connections/{erp}"
    row = rows(site)["SHOP_TOKEN"]
    assert (row.connection_id, row.hosts, row.version, row.description) == (
        erp,
        ("erp.northwind.example",),
        1,
        "From the shop",
    )
    assert value_of(site, erp, "SHOP_TOKEN") == PLANTED
    html = site.browser().get(f"{site.base}/secrets").text
    for word in ("SHOP_TOKEN", "erp.northwind.example", "Refund triage"):
        assert word in html


def test_the_form_never_lets_a_browser_keep_the_value(site: Site, erp: str):
    for path in (f"/secrets/new?connection={erp}&name=NEXT", f"/secrets/{rows(site)['ERP_TOKEN'].id}"):
        html = site.browser().get(site.base + path).text
        field = re.search(r'<input[^>]*name="value"[^>]*>', html)
        assert field
        for word in ('type="password"', 'autocomplete="off"', 'value=""'):
            assert word in field[0]
    assert 'value="NEXT"' in site.browser().get(f"{site.base}/secrets/new?connection={erp}&name=NEXT").text


@pytest.mark.parametrize(
    ("fields", "field", "word"),
    [
        ({"name": "1x"}, "f-name", "A secret&#39;s name is a letter"),
        ({"name": "ERP_TOKEN"}, "f-name", "taken in this environment"),
        ({"value": "pla"}, "f-value", "6 to 16384"),
    ],
)
def test_a_refusal_keeps_everything_but_the_value(site: Site, erp: str, fields: dict[str, str], field: str, word: str):
    before = set(rows(site))
    answer = enter(site, erp, **fields)
    assert answer.status_code in (409, 422)
    assert word in answer.text.split(f'id="{field}-error"')[1].split("</div>")[0]
    assert 'value="From the shop"' in answer.text
    assert f'<option value="{erp}" selected>' in answer.text
    assert hidden(answer.text)
    assert re.search(r'name="value" type="password" value=""', answer.text)
    assert set(rows(site)) == before


def test_a_connection_of_nobody_here_is_refused(site: Site):
    answer = enter(site, "con_nowhere")
    assert answer.status_code == 404
    assert hidden(answer.text)


def test_a_new_value_takes_the_old_ones_place(site: Site, erp: str):
    enter(site, erp)
    secret = rows(site)["SHOP_TOKEN"]
    browser = site.browser()
    short = browser.post(f"{site.base}/secrets/{secret.id}/replace", data={"value": "x"})
    assert short.status_code == 422
    assert "6 to 16384" in short.text
    done = browser.post(f"{site.base}/secrets/{secret.id}/replace", data={"value": SECOND})
    assert done.status_code == 303
    assert rows(site)["SHOP_TOKEN"].version == 2
    assert value_of(site, erp, "SHOP_TOKEN") == SECOND
    assert hidden(browser.get(done.headers["location"]).text)


def test_one_that_leads_elsewhere_asks_to_be_entered_again(site: Site, erp: str):
    enter(site, erp)
    with site.store.write() as session:
        edit_connection(session, site.seeded.owner, erp, config={"url": "https://elsewhere.example/mcp"})
    secret = rows(site)["SHOP_TOKEN"]
    assert secret.is_locked
    assert "leads elsewhere" in site.browser().get(f"{site.base}/secrets/{secret.id}").text
    site.browser().post(f"{site.base}/secrets/{secret.id}/replace", data={"value": SECOND})
    assert not rows(site)["SHOP_TOKEN"].is_locked


def test_deleting_warns_who_uses_it_and_forgets_it(site: Site):
    secret, browser = rows(site)["ERP_TOKEN"], site.browser()
    html = browser.get(f"{site.base}/secrets/{secret.id}").text
    assert "Supplier mail" in html.split('id="delete"')[1]
    assert browser.post(f"{site.base}/secrets/{secret.id}/delete").status_code == 303
    assert "ERP_TOKEN" not in rows(site)
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-1] == "secret.deleted"
    assert browser.get(f"{site.base}/secrets/{secret.id}").status_code == 404
    assert browser.post(f"{site.base}/secrets/{secret.id}/delete").status_code == 404


def test_who_may_not_see_secrets_is_told(site: Site, erp: str):
    for who in ("tomasz", "rosa"):
        browser = site.browser(who)
        assert browser.get(f"{site.base}/secrets").status_code == 403
        assert browser.get(f"{site.base}/secrets/{rows(site)['ERP_TOKEN'].id}").status_code == 403
        assert enter(site, erp, who).status_code == 403
    assert site.browser("ines").get(f"{site.base}/secrets").status_code == 200
    assert "SHOP_TOKEN" not in rows(site)


def test_many_are_paged(site: Site, erp: str):
    with site.store.write() as session:
        vault = site.app.state.house.services.vault
        for number in range(35):
            create_secret(session, site.seeded.owner, vault, connection_id=erp, name=f"S_{number:02}", value=PLANTED)
    browser = site.browser()
    first = browser.get(f"{site.base}/secrets").text
    assert first.count("data-row") == 30
    older = re.search(r'href="([^"]*cursor=[^"]*)" rel="next"', first)
    assert older
    assert browser.get(older[1].replace("&amp;", "&")).text.count("data-row") == 6


def test_a_planted_value_is_on_no_page(site: Site, erp: str):
    enter(site, erp)
    secret, browser = rows(site)["SHOP_TOKEN"], site.browser()
    headers = {"url": "https://erp.northwind.example/mcp", "headers": {"Authorization": "Bearer {{secret.SHOP_TOKEN}}"}}
    with site.store.write() as session:
        edit_connection(session, site.seeded.owner, erp, config=headers)
    for path in (
        "/secrets", f"/secrets/{secret.id}", "/secrets/new", "/connections", f"/connections/{erp}",
        f"/connections/{erp}/edit", "/settings/audit", "/settings/audit/export", "/settings/keys", "/settings/limits",
    ):  # fmt: skip
        answer = browser.get(site.base + path)
        assert answer.status_code == 200
        assert hidden(answer.text), path
    assert "{{secret.SHOP_TOKEN}}" in browser.get(f"{site.base}/connections/{erp}").text
