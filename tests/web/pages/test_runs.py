"""The list of runs."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from signoff.kit import clock
from signoff.tables.runs import Run
from tests.web import seed as seeding
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site


def titles(html: str) -> list[str]:
    return re.findall(r'class="cut cover" href="[^"]*" dir="auto">([^<]*)</a>', html)


def row(html: str, title: str) -> str:
    return next(part for part in html.split("<tr ") if f">{title}</a>" in part)


def add(site: Site, title: str, state: str = "completed", agent: str = "supplier-mail", **more: object) -> str:
    with site.store.write() as session:
        return seeding.run(session, site.seeded, site.seeded.agents[agent], title, state, **more)


def state_of(site: Site, run_id: str) -> Run:
    with site.store.read() as session:
        return session.get_one(Run, run_id)


def test_without_a_run_it_teaches_three_ways(empty_site: Site):
    html = empty_site.browser().get("/w/bare/runs").text
    for words in ("No runs yet", "signoff demo", "curl -X POST", "/w/bare/agents"):
        assert words in html
    assert "<table" not in html


def test_a_row_says_what_happened_in_words(site: Site):
    html = site.browser().get(f"{site.base}/runs").text
    failed = row(html, "Re: Re: Fwd: your order PO-88117")
    assert "The ERP refused the token: it has expired." in failed
    assert "Failed" in failed
    assert "r3" in failed
    waiting = row(html, "Invoice RE-2026-119 from Brightwater Logistics")
    assert "Outcome unknown" in waiting
    assert "the connection closed before it answered" in waiting
    assert "scripted" in row(html, "Price change from 1 December")


def test_an_unknown_price_is_said_aloud(site: Site):
    add(site, "Nobody knows", cost_usd=Decimal(0), is_price_unknown=True)
    assert "price unknown" in row(site.browser().get(f"{site.base}/runs").text, "Nobody knows")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("view=attention", {"Re: Re: Fwd: your order PO-88117", "Invoice RE-2026-119 from Brightwater Logistics"}),
        ("needs_attention=yes&agent=vendor-watch", set[str]()),
        ("view=running", {"Invoice 88-2041 from Nordic Freight", "(no subject)"}),
        ("view=waiting", {"Invoice RE-2026-119 from Brightwater Logistics"}),
        ("view=test", {"A try"}),
        ("status=failed&status=cancelled", {"Re: Re: Fwd: your order PO-88117", "Monthly statement, October"}),
        ("agent=vendor-watch", {"Weekly price check, 412 items"}),
        ("revision=r1&agent=supplier-mail", set[str]()),
        ("q=monthly+october", {"Monthly statement, October"}),
        ("source=api", {"By API"}),
        ("origin=test", {"A try"}),
        ("environment=staging", {"In staging"}),
        ("status=failed&code=connector_refused&step=erp.get_purchase_order", {"Re: Re: Fwd: your order PO-88117"}),
        ("status=failed&code=connector_refused&step=", set[str]()),
        ("agent=nobody", set[str]()),
    ],
)
def test_views_and_filters(site: Site, query: str, expected: set[str]):
    add(site, "A try", origin="test")
    add(site, "By API", source="api")
    add(site, "In staging", environment="staging")
    assert set(titles(site.browser().get(f"{site.base}/runs?{query}").text)) == expected


def test_a_span_of_time_is_the_readers(site: Site):
    browser = site.browser()
    assert "Price change from 1 December" in titles(browser.get(f"{site.base}/runs").text)
    assert "Price change from 1 December" not in titles(browser.get(f"{site.base}/runs?time=24h").text)
    day = (clock.now() - timedelta(minutes=1500)).date().isoformat()
    assert "Price change from 1 December" in titles(browser.get(f"{site.base}/runs?since={day}&until={day}").text)


@pytest.mark.parametrize(
    "query", ["view=odd", "status=odd", "cursor=odd", "since=2026-99-99", "revision=%00", "until=9999-12-31"]
)
def test_an_address_that_makes_no_sense_is_no_error_of_ours(site: Site, query: str):
    assert site.browser().get(f"{site.base}/runs?{query}").status_code in (200, 422)


def test_each_filter_clears_alone_and_all_at_once(site: Site):
    html = site.browser().get(f"{site.base}/runs?q=invoice&status=completed&source=demo").text
    links = re.findall(r'class="chip is-set" href="([^"]*)"', html)
    assert [link.replace("&amp;", "&") for link in links] == [
        f"{site.base}/runs?status=completed&source=demo",
        f"{site.base}/runs?q=invoice&source=demo",
        f"{site.base}/runs?status=completed&q=invoice",
    ]
    assert f'href="{site.base}/runs">Clear all</a>' in html


def test_a_page_of_thirty_and_its_neighbours(site: Site):
    for number in range(30):
        add(site, f"Bill {number}", minutes_ago=2_000 + number)
    browser = site.browser()
    first = browser.get(f"{site.base}/runs").text
    assert len(titles(first)) == 30
    older = re.search(r'href="([^"]*cursor=[^"]*)" rel="next"', first)
    assert older is not None
    second = browser.get(older[1].replace("&amp;", "&")).text
    assert len(titles(second)) == 11
    assert not set(titles(first)) & set(titles(second))
    assert 'rel="prev"' in second


def test_htmx_gets_the_rows_and_a_clean_address(site: Site):
    browser = site.browser()
    answer = browser.get(f"{site.base}/runs?q=monthly&agent=&time=", headers=HTMX)
    assert "<html" not in answer.text
    assert titles(answer.text) == ["Monthly statement, October"]
    assert answer.headers["hx-replace-url"] == f"{site.base}/runs?q=monthly"
    clock_answer = browser.get(f"{site.base}/runs?q=monthly&live=1", headers=HTMX)
    assert "hx-replace-url" not in clock_answer.headers
    assert f'hx-get="{site.base}/runs?q=monthly&amp;live=1"' in clock_answer.text


def test_the_clock_sees_new_rows_and_moved_states(site: Site):
    browser = site.browser()
    before = browser.get(f"{site.base}/runs?live=1", headers=HTMX).text
    new = add(site, "Just arrived", "queued", minutes_ago=0)
    with site.store.write() as session:
        session.query(Run).filter_by(title="Invoice 88-2041 from Nordic Freight").one().state = "completed"
    after = browser.get(f"{site.base}/runs?live=1", headers=HTMX).text
    assert new not in before
    assert f'id="{new}"' in after
    assert "Running" in row(before, "Invoice 88-2041 from Nordic Freight")
    assert "Completed" in row(after, "Invoice 88-2041 from Nordic Freight")


def test_five_failures_alike_are_one_line(site: Site):
    for number in range(5):
        add(site, f"PO {number}", "failed", code="connector_timeout", failed_step="erp.post_bill", reason="No answer.")
    html = site.browser().get(f"{site.base}/runs").text
    assert "5 runs failed at erp.post_bill" in html
    link = re.search(r'class="strong" href="([^"]*code=connector_timeout[^"]*)"', html)
    assert link is not None
    found = site.browser().get(link[1].replace("&amp;", "&")).text
    assert titles(found) == [f"PO {number}" for number in (0, 1, 2, 3, 4)] or len(titles(found)) == 5
    assert "runs failed at" not in site.browser().get(f"{site.base}/runs?q=PO").text


def test_the_last_day_in_figures(site: Site):
    html = site.browser().get(f"{site.base}/runs").text
    assert "4 completed, 1 failed, 1 waiting, 2 open" in html
    assert "80.0<small> %" in html


def test_untrusted_text_is_only_text(site: Site):
    add(site, "<script>alert(1)</script>", "failed", reason="<img src=x onerror=alert(2)>")
    html = site.browser().get(f"{site.base}/runs").text
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_member_sees_their_own(site: Site):
    add(site, "Tomasz asked", by=site.seeded.people["tomasz"])
    html = site.browser("tomasz").get(f"{site.base}/runs").text
    assert titles(html) == ["Tomasz asked"]
    assert "You see the runs you asked for" in html
    assert "Spend today" not in html


def test_a_viewer_may_not_choose(site: Site):
    html = site.browser("rosa").get(f"{site.base}/runs").text
    assert len(titles(html)) == 11
    assert 'name="pick"' not in html


def test_a_visitor_signs_in_first(site: Site):
    answer = site.visitor().get(f"{site.base}/runs?view=attention")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


def test_the_preview_says_what_would_happen_to_each(site: Site):
    ids = [add(site, "Wait", "queued"), add(site, "Done", "completed"), "run_nobody"]
    answer = site.browser().post(f"{site.base}/runs/cancel/preview", data={"pick": ids}, headers=HTMX)
    assert answer.status_code == 200
    for words in (
        "1 run will be cancelled. 2 will stay as they are.",
        "Has not begun",
        "Has ended already",
        "There is no such run",
    ):
        assert words in answer.text
    assert re.findall(r'name="pick" value="([^"]*)"', answer.text) == ids[:1]
    assert state_of(site, ids[0]).state == "queued"


def test_cancelling_several_tells_each_outcome(site: Site):
    ids = [add(site, "Wait", "queued"), add(site, "Work", "running"), add(site, "Done", "completed")]
    answer = site.browser().post(f"{site.base}/runs/cancel", data={"pick": ids, "reason": "wrong mailbox"})
    assert answer.status_code == 200
    assert "<html" in answer.text
    assert "2 runs are cancelled, 1 are not." in answer.text
    assert "This run has ended already" in answer.text
    queued, running, done = (state_of(site, one) for one in ids)
    assert (queued.state, queued.reason) == ("cancelled", "wrong mailbox")
    assert running.is_cancel_requested
    assert done.state == "completed"


def test_somebody_elses_runs_stay(site: Site):
    others = add(site, "Mei's", "queued")
    own = add(site, "Tomasz'", "queued", by=site.seeded.people["tomasz"])
    site.browser("tomasz").post(f"{site.base}/runs/cancel", data={"pick": [others, own]})
    assert state_of(site, others).state == "queued"
    assert state_of(site, own).state == "cancelled"


def test_nothing_chosen_is_said(site: Site):
    assert "No run is chosen" in site.browser().post(f"{site.base}/runs/cancel/preview").text


def test_more_rows_are_no_more_queries(site: Site):
    browser = site.browser()
    counted: list[str] = []
    event.listen(site.store.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    browser.get(f"{site.base}/runs", headers=HTMX)
    few = len(counted)
    for number in range(15):
        add(site, f"Bill {number}")
    counted.clear()
    browser.get(f"{site.base}/runs", headers=HTMX)
    assert len(counted) == few


def called(site: Site) -> tuple[str, str]:
    """Two runs that the same run asked for."""
    parent = add(site, "The whole order", agent="vendor-watch", child_runs=2, minutes_ago=9)
    more = {"parent_run_id": parent, "root_run_id": parent, "depth": 1}
    add(site, "Look one up", parent_call="call_1", minutes_ago=8, **more)
    return parent, add(site, "Look two up", "failed", parent_call="call_2", minutes_ago=7, **more)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", False),
        ("origin=production", False),
        ("children=all", True),
        ("children=only", True),
        ("q=look", True),
        ("agent=supplier-mail", True),
        ("agent=supplier-mail&children=without", False),
        ("view=attention", True),
        ("status=failed", True),
        ("children=odd", False),
    ],
)
def test_runs_that_agents_asked_for_are_left_out_of_the_plain_list_alone(site: Site, query: str, found: bool):
    called(site)
    assert ("Look two up" in titles(site.browser().get(f"{site.base}/runs?{query}").text)) is found


def test_a_run_that_another_one_asked_for_says_whose_and_leads_there(site: Site):
    parent, _ = called(site)
    html = site.browser().get(f"{site.base}/runs?children=only").text
    assert titles(html) == ["Look two up", "Look one up"]
    for title in titles(html):
        assert f'href="{site.base}/runs/{parent}" title="The whole order">called by Vendor price watch</a>' in row(
            html, title
        )


def test_the_list_says_which_runs_it_leaves_out_and_how_to_see_them(site: Site):
    browser = site.browser()
    assert "Runs called by agents" not in browser.get(f"{site.base}/runs").text
    called(site)
    html = browser.get(f"{site.base}/runs?environment=production").text
    assert '<span class="strong" aria-current="true">left out</span>' in html
    assert f'href="{site.base}/runs?environment=production&amp;children=all">shown</a>' in html
    shown = browser.get(f"{site.base}/runs?environment=production&children=all").text
    assert '<input type="hidden" name="children" value="all">' in shown
    assert f'class="chip is-set" href="{site.base}/runs?environment=production">Called by agents: shown' in shown


def test_whoever_may_not_see_the_asking_run_is_not_led_to_it(site: Site):
    parent, child = called(site)
    with site.store.write() as session:
        session.get_one(Run, child).requested_by = site.seeded.people["tomasz"].id
    html = site.browser("tomasz").get(f"{site.base}/runs?children=all").text
    assert "called by another agent" in row(html, "Look two up")
    assert parent not in html
