"""The list of connections."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event

from signoff.connections.actions import create_connection, disable_connection, record_health
from signoff.freezes.actions import order_freeze
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site
from tests.web.seed import person


def names(html: str) -> list[str]:
    return re.findall(r'class="cut cover" href="[^"]*">([^<]*)</a>', html)


def row(html: str, name: str) -> str:
    return next(part for part in html.split("<tr ") if f">{name}</a>" in part)


def test_without_a_connection_it_teaches_each_kind(empty_site: Site):
    html = empty_site.browser().get("/w/bare/connections").text
    for kind in ("mcp_http", "openapi", "mail", "files", "mcp_stdio"):
        assert f"/w/bare/connections/new?environment=production&amp;kind={kind}" in html


def test_a_member_is_taught_but_offered_nothing(empty_site: Site):
    with empty_site.store.write() as session:
        person(session, empty_site.seeded, "tom", "Tom", "member")
    html = empty_site.browser("tom").get("/w/bare/connections").text
    assert "builder or higher" in html
    assert "/connections/new" not in html


def test_one_that_is_broken_says_why_since_when_and_for_whom(site: Site):
    erp = site.seeded.connections["production/erp"]
    with site.store.write() as session:
        record_health(session, erp, ok=False, error="The server answered 401.")
        order_freeze(session, site.seeded.owner, scope="connection", target_id=erp, reason="Moving")
    shown = row(site.browser().get(f"{site.base}/connections").text, "ERP")
    for word in ("Failing", "The server answered 401.", "Broken since", "Supplier mail", "and", "Frozen", "MCP server"):
        assert word in shown


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["ERP", "Invoice inbox"]),
        ("environment=staging", ["ERP", "Invoice inbox"]),
        ("environment=all", ["ERP", "Invoice inbox", "ERP", "Invoice inbox"]),
        ("kind=mail", ["Invoice inbox"]),
        ("kind=mail&state=disabled", []),
        ("kind=nonsense&state=%00", ["ERP", "Invoice inbox"]),
    ],
)
def test_filters(site: Site, query: str, found: list[str]):
    html = site.browser().get(f"{site.base}/connections?{query}").text
    assert names(html) == found
    assert ("No connection fits" in html) == (not found)


def test_htmx_gets_the_rows_and_the_address_worth_sharing(site: Site):
    asked = f"{site.base}/connections?environment=staging&kind=mail&state="
    answer = site.browser().get(asked, headers=HTMX)
    assert "<html" not in answer.text
    assert answer.headers["hx-replace-url"] == f"{site.base}/connections?environment=staging&kind=mail"


def test_many_are_paged_both_ways_in_a_fixed_number_of_queries(site: Site):
    with site.store.write() as session:
        for number in range(40):
            made = create_connection(
                session, site.seeded.owner, environment_id=site.seeded.environments["production"],
                slug=f"many-{number:02}", name=f"Many {number:02}", kind="mcp_http", config={"url": "https://a.example/mcp"},
            )  # fmt: skip
            if number == 39:
                disable_connection(session, site.seeded.owner, made)
    browser = site.browser()
    counted: list[str] = []
    event.listen(site.store.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    first = browser.get(f"{site.base}/connections").text
    assert len(names(first)) == 30
    assert "Disabled" in row(first, "Many 39")
    assert len(counted) < 30
    older = re.search(r'href="([^"]*cursor=[^"]*)" rel="next"', first)
    assert older
    second = browser.get(older[1].replace("&amp;", "&")).text
    assert len(names(second)) == 12
    newer = re.search(r'href="([^"]*cursor=[^"]*)" rel="prev"', second)
    assert newer
    assert names(browser.get(newer[1].replace("&amp;", "&")).text) == names(first)


def test_a_cursor_nobody_gave_out_is_refused(site: Site):
    assert site.browser().get(f"{site.base}/connections?cursor=zz").status_code == 422
