"""The list of agents."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event

from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site
from tests.web.seed import agent, body, run


def names(html: str) -> list[str]:
    return re.findall(r'class="cut cover" href="[^"]*">([^<]*)</a>', html)


def row(html: str, name: str) -> str:
    return next(part for part in html.split("<tr ") if f">{name}</a>" in part)


def test_without_an_agent_it_teaches_three_ways(empty_site: Site):
    shown = empty_site.browser().get("/w/bare/agents")
    assert shown.status_code == 200
    for word in ("/w/bare/agents/new", "/w/bare/agents/new?from=yaml", "signoff apply"):
        assert word in shown.text


def test_each_row_says_what_a_person_asks(site: Site):
    with site.store.write() as session:  # Today, also when it is early: the seeded one may be of yesterday.
        run(session, site.seeded, site.seeded.agents["vendor-watch"], "Price check of today", minutes_ago=0)
    html = site.browser().get(f"{site.base}/agents").text
    assert names(html) == ["Refund triage", "Vendor price watch", "Supplier mail"]
    supplier = row(html, "Supplier mail")
    for word in ("Ines Okafor", "r2", "r3", "Queued", "2 runs need a look", "needs_attention=yes"):
        assert word in supplier
    assert "Write its SOP and freeze it" in row(html, "Refund triage")
    assert re.search(r"\$0\.0(12|24)", row(html, "Vendor price watch"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=PRICE", ["Vendor price watch"]),
        ("tag=support", ["Refund triage"]),
        ("state=disabled", []),
        ("q=supplier&tag=support", []),
        ("q=%00zz%27%25", []),
    ],
)
def test_filters(site: Site, query: str, found: list[str]):
    html = site.browser().get(f"{site.base}/agents?{query}").text
    assert names(html) == found
    assert ("No agent fits" in html) == (not found)


def test_htmx_gets_the_rows_and_the_address_worth_sharing(site: Site):
    answer = site.browser().get(f"{site.base}/agents?q=vendor&tag=&state=", headers=HTMX)
    assert "<html" not in answer.text
    assert names(answer.text) == ["Vendor price watch"]
    assert answer.headers["hx-replace-url"] == f"{site.base}/agents?q=vendor"


def test_pages_keep_the_filter_and_lose_no_agent(site: Site):
    with site.store.write() as session:
        for number in range(34):
            agent(session, site.seeded, f"bulk-{number}", f"Bulk {number}", tags=("bulk",))
    browser, seen, address = site.browser(), [], f"{site.base}/agents?tag=bulk"
    while address:
        html = browser.get(address).text
        seen += names(html)
        older = re.search(r'href="([^"]*)" rel="next"', html)
        address = older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"Bulk {number}" for number in reversed(range(34))]


def test_more_agents_are_not_more_queries(site: Site):
    def queries() -> int:
        counted: list[str] = []

        def count(*args: object) -> None:
            counted.append(str(args[2]))

        event.listen(site.store.engine, "before_cursor_execute", count)
        assert site.browser().get(f"{site.base}/agents").status_code == 200
        event.remove(site.store.engine, "before_cursor_execute", count)
        return len(counted)

    queries()  # The first asks what others keep for a second, such as whether there is maintenance.
    few = queries()
    with site.store.write() as session:
        for number in range(20):
            agent(session, site.seeded, f"more-{number}", f"More {number}", revisions=((body(), "First"),))
    assert queries() == few


def test_a_member_sees_the_list_and_only_their_own_runs(site: Site):
    html = site.browser("tomasz").get(f"{site.base}/agents").text
    assert "Supplier mail" in html
    assert "none yet" in row(html, "Supplier mail")
    assert "New agent" not in html


def test_another_workspace_is_not_told(site: Site, store: object):
    assert site.browser().get("/w/elsewhere/agents").status_code == 404
