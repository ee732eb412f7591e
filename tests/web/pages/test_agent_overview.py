"""The overview of one agent, and its dialogs."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import event

from signoff.agents.queries import agent_by_slug
from tests.web import seed as seeding
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions, body


def test_it_says_what_serves_who_answers_and_what_bounds_it(site: Site):
    html = site.browser().get(f"{site.base}/agents/supplier-mail").text
    for word in (
        "Reads the accounts-payable inbox",
        "Revision 2",
        "Revision 3",
        "Ines Okafor",
        "Mei Tanaka",
        "Spends at most $0.50 and 300,000 tokens.",
        "erp.post_bill",
        "once a run; only with some amount",
        "Outcome unknown",
        "Healthy",
    ):
        assert word in html
    # Reading tools are no grip on the world.
    assert "mail.read_message" not in html


def test_an_agent_without_a_revision_says_what_comes_next(site: Site):
    html = site.browser().get(f"{site.base}/agents/refund-triage").text
    assert "Nothing runs yet" in html
    assert f"{site.base}/agents/refund-triage/edit" in html
    assert "Run now" not in html


def test_disabling_and_enabling(site: Site):
    browser = site.browser("ines")
    done = browser.post(f"{site.base}/agents/supplier-mail/disable", data={"reason": "Audit week"})
    assert (done.status_code, done.headers["location"]) == (303, f"{site.base}/agents/supplier-mail")
    with site.store.read() as session:
        assert agent_by_slug(session, site.seeded.owner, "supplier-mail").state == "disabled"
        assert audit_actions(session, site.seeded)[-1] == "agent.disabled"
    html = browser.get(f"{site.base}/agents/supplier-mail").text
    assert "This agent is disabled" in html
    assert "Run now" not in html
    again = browser.post(f"{site.base}/agents/supplier-mail/disable", data={})
    assert again.status_code == 409
    assert "is disabled already" in again.text
    assert browser.post(f"{site.base}/agents/supplier-mail/enable", data={}).status_code == 303
    with site.store.read() as session:
        assert agent_by_slug(session, site.seeded.owner, "supplier-mail").state == "active"


def test_the_details_are_changed_and_a_refusal_keeps_them(site: Site):
    address = f"{site.base}/agents/supplier-mail/details"
    given = {"name": "Bills by mail", "description": "New words", "tags": "a, b", "owner": "", "backup": ""}
    assert site.browser().post(address, data=given).status_code == 303
    with site.store.read() as session:
        found = agent_by_slug(session, site.seeded.owner, "supplier-mail")
    assert (found.name, found.description, found.tags, found.owner) == ("Bills by mail", "New words", ("a", "b"), None)
    refused = site.browser().post(address, data={**given, "name": "", "description": "Still here"})
    assert refused.status_code == 422
    assert "Still here" in refused.text
    assert "The name has 0 characters" in refused.text


def test_who_may(site: Site):
    address = f"{site.base}/agents/supplier-mail"
    for who in ("tomasz", "rosa"):
        assert site.browser(who).get(address).status_code == 200
        assert site.browser(who).post(f"{address}/disable", data={}).status_code == 403
        assert site.browser(who).post(f"{address}/details", data={"name": "x"}).status_code == 403
    # A builder who does not own it.
    assert site.browser("ines").post(f"{site.base}/agents/vendor-watch/disable", data={}).status_code == 403
    assert site.browser().get(f"{site.base}/agents/nothing-here").status_code == 404
    assert site.visitor().get(address).status_code == 303


def calling(site: Site, slug: str, name: str, *named: Mapping[str, object]) -> None:
    """An agent each of whose revisions names one more of these agents."""
    bodies = [(body(sub_agents=list(named[: number + 1])), f"Reason {number}") for number in range(len(named))]
    with site.store.write() as session:
        seeding.agent(session, site.seeded, slug, name, revisions=bodies)


def part(html: str, label: str) -> str:
    return html.split(f'aria-label="{label}"')[1].split("</section>")[0] if f'aria-label="{label}"' in html else ""


def test_whom_an_agent_calls_and_who_calls_it(site: Site):
    live = {"agent": "supplier-mail", "tool": "ask_mail"}
    pinned = {"agent": "vendor-watch", "tool": "ask_prices", "revision": "1"}
    calling(site, "orders", "Orders", live, pinned)
    calling(site, "returns", "Returns", pinned)
    browser = site.browser()
    calls = part(browser.get(f"{site.base}/agents/orders").text, "Agents it calls")
    assert f'href="{site.base}/agents/supplier-mail">' in calls
    assert "ask_mail" in calls
    assert ">live<" in calls
    assert "ask_prices" not in calls  # Revision 1 serves; the second is not live yet.
    mail = part(browser.get(f"{site.base}/agents/supplier-mail").text, "Agents that call it")
    assert "revision 1<" in mail
    watch = part(browser.get(f"{site.base}/agents/vendor-watch").text, "Agents that call it")
    assert "revision 2, not live" in watch
    assert f'href="{site.base}/agents/returns">Returns</a>' in watch
    assert "pinned: 1" in watch
    assert part(browser.get(f"{site.base}/agents/returns").text, "Agents that call it") == ""


def test_more_agents_that_call_one_are_no_more_queries(site: Site):
    browser, counted = site.browser(), list[str]()
    event.listen(site.store.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    calling(site, "first-one", "First", {"agent": "supplier-mail", "tool": "ask_mail"})
    counted.clear()
    browser.get(f"{site.base}/agents/supplier-mail")
    few = len(counted)
    for number in range(4):
        calling(site, f"more-{number}", f"More {number}", {"agent": "supplier-mail", "tool": "ask_mail"})
    counted.clear()
    html = browser.get(f"{site.base}/agents/supplier-mail").text
    assert part(html, "Agents that call it").count('class="serving"') == 5
    assert len(counted) == few
