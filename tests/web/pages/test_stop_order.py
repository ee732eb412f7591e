"""The page of an order to stop: who, why, what it hit, how far it is, and when each worker knew."""

from __future__ import annotations

from datetime import timedelta

from signoff.record.marks import note_seen
from signoff.runs.actions import finish_stop, stop_some
from signoff.runs.stops import last_stop
from signoff.tables.stops import StopOrder, StopSighting
from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site


def ordered(site: Site) -> str:
    """The order, given on the page of the agent; returns where that leads."""
    answer = site.browser().post(f"{site.base}/agents/supplier-mail/stop", data={"reason": "It pays <b>twice</b>."})
    assert answer.status_code == 303
    return answer.headers["location"]


def test_the_stop_of_an_agent_leads_to_its_page_which_says_who_and_why(site: Site):
    at = ordered(site)
    with site.store.read() as session:
        order = last_stop(session, site.seeded.agents["supplier-mail"])
    assert order is not None
    assert at == f"{site.base}/stops/{order.id}"
    page = site.browser().get(at).text
    assert order.ordered_by_name in page
    assert "It pays &lt;b&gt;twice&lt;/b&gt;." in page
    assert f'href="{site.base}/agents/supplier-mail"' in page
    assert "No worker has noted it yet" in page
    assert 'hx-trigger="every 1s"' in page
    assert f'href="{at}"' in site.browser().get(f"{site.base}/agents/supplier-mail").text


def test_once_done_it_says_how_long_it_took_and_asks_no_more(site: Site):
    at = ordered(site)
    order_id = at.rsplit("/", 1)[1]
    with site.store.write() as session:
        note_seen(session, "worker-1", [(order_id, site.seeded.workspace_id)])
        note_seen(session, "worker-2", [(order_id, site.seeded.workspace_id)])
        row = session.get_one(StopOrder, order_id)
        session.get_one(StopSighting, (order_id, "worker-2")).seen_at = row.ordered_at + timedelta(seconds=1.25)
        while stop_some(session, order_id):
            pass
        row.asked = []
        assert finish_stop(session, order_id)
        row.ended_at = row.ordered_at + timedelta(seconds=3.4)
        cancelled = row.cancelled
    piece = site.browser().get(at, headers=HTMX).text
    assert "<html" not in piece
    assert "hx-trigger" not in piece
    assert ">3.4 s<" in piece
    assert f"<dt>Called off</dt><dd>{cancelled}</dd>" in piece
    assert "worker-1" in piece
    assert "1.25 s" in piece


def test_an_order_of_nobody_here_is_not_there(site: Site):
    assert site.browser().get(f"{site.base}/stops/stp_none").status_code == 404
