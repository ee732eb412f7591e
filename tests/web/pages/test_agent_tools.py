"""The tools of an agent."""

from __future__ import annotations

from signoff.connections.actions import record_health
from signoff.tables.connections import Connection, Tool
from tests.web.pages.conftest import Site


def test_each_slot_with_its_connections_and_each_tool_with_its_class(site: Site):
    html = site.browser().get(f"{site.base}/agents/supplier-mail/tools").text
    assert "Revision 2, which serves production" in html
    assert "2 of 3 tools allowed" in html
    assert "4 of 6 tools allowed" in html
    for word in ("Invoice inbox", "Cannot be undone", "at most 1 a run", "bounded: amount", "ERP_TOKEN", "25000"):
        assert word in html


def test_a_broken_missing_or_changed_thing_is_said(site: Site):
    with site.store.write() as session:
        record_health(session, site.seeded.connections["production/erp"], ok=False, error="The token has expired.")
        session.get_one(Connection, site.seeded.connections["staging/mail"]).state = "disconnected"
        made = (
            session.query(Tool)
            .filter_by(connection_id=site.seeded.connections["production/erp"], name="post_bill")
            .one()
        )
        made.state = "changed"
    html = site.browser().get(f"{site.base}/agents/supplier-mail/tools").text
    for word in (
        "The token has expired.",
        "Failing",
        "nothing is connected as mail",
        "waits to be accepted in production",
    ):
        assert word in html


def test_the_draft_can_be_looked_at(site: Site):
    html = site.browser().get(f"{site.base}/agents/refund-triage/tools").text
    assert "SHOP_TOKEN" in html
    assert "The draft" in html
    assert site.browser("rosa").get(f"{site.base}/agents/supplier-mail/tools?of=staging").status_code == 200
    assert "Change what is allowed" not in site.browser("rosa").get(f"{site.base}/agents/supplier-mail/tools").text


def test_without_tools_it_says_how_to_get_them(empty_site: Site):
    made = {"way": "form", "name": "Plain", "model": "openai:gpt-5", "sop": "# Goal\nAnswer."}
    assert empty_site.browser().post("/w/bare/agents/new", data=made).status_code == 303
    html = empty_site.browser().get("/w/bare/agents/plain/tools").text
    assert "It uses no tools" in html
    assert "Connect a system" in html
