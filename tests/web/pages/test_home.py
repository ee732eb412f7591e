"""The first page: is it running, is it working, what does it cost, what needs me."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape

from signoff.agents.queries import agent_by_slug
from signoff.budgets.caps import set_daily_cap
from signoff.connections.actions import record_health
from signoff.incidents.moving import acknowledge_incident, resolve_incident
from signoff.incidents.opening import Declared, declare_incident, open_for_alert
from signoff.tables.watch import Alert
from signoff.watch.actions import raise_alert
from tests.web import seed as seeding
from tests.web.kit_pages import HTMX
from tests.web.pages import kit_runs
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions


def guide(html: str) -> list[tuple[bool, str]]:
    """Each step of the guide: whether it is ticked, and its title."""
    part = html.split('class="first-steps"')[1].split("</ol>")[0] if 'class="first-steps"' in html else ""
    return [
        ("is-done" in head, title)
        for head, title in re.findall(r"<li([^>]*)>.*?<span class=\"strong\">([^<]*)<", part, re.DOTALL)
    ]


def alert(site: Site, text: str) -> str:
    with site.store.write() as session:
        return raise_alert(session, site.seeded.workspace_id, key=text[:20], kind="provider_failing", text=text)


def test_with_nothing_yet_a_guide_says_where_to_begin(empty_site: Site):
    html = empty_site.browser().get("/w/bare").text
    assert [done for done, _ in guide(html)] == [False] * 5
    assert "0 of 5 done" in html
    for word in ("/w/bare/connections/new", "signoff demo", "No runs yet", "No agent yet"):
        assert word in html


def test_the_guide_ticks_itself_off(empty_site: Site):
    seeded = empty_site.seeded
    with empty_site.store.write() as session:
        seeding.connect(session, seeded, "production", "mail", name="Inbox", kind="mail")
        seeding.agent(session, seeded, "first", "First", content=seeding.body())
    html = empty_site.browser().get("/w/bare").text
    assert [done for done, _ in guide(html)] == [True, True, False, False, False]
    assert 'href="/w/bare/agents/first/edit"' in html
    with empty_site.store.write() as session:
        made = seeding.agent(
            session,
            seeded,
            "second",
            "Second",
            revisions=((seeding.body("# GOAL\nRead.", secrets=[], tools=[]), "First"),),
        )
        seeding.run(session, seeded, made, "The first run")
    assert guide(empty_site.browser().get("/w/bare").text) == []


def test_the_four_questions_have_answers(site: Site):
    with site.store.write() as session:
        set_daily_cap(session, site.seeded.owner, cap_usd=Decimal(25))
    html = site.browser().get(site.base).text
    for word in (
        "Is it running?",
        "1 running, 1 queued",
        "80.0<small> % completed",
        "$25.00 of $25.00 left",
        "What needs me?",
    ):
        assert word in html
    assert "The ERP refused the token: it has expired." in html
    assert "Weekly price check, 412 items" in html


def test_what_is_broken_says_so(site: Site):
    with site.store.write() as session:
        record_health(session, site.seeded.connections["production/erp"], ok=False, error="It hung up.")
        kit_runs.unknown_effect(session, site.seeded)
    site.app.state.house.readiness = _Down()
    html = site.browser().get(site.base).text
    for word in ("Worker needs a look", "none is alive", "It hung up.", "1 act to settle", "Not all of it"):
        assert word in html


class _Down:
    async def checks(self) -> dict[str, str]:
        return {"database": "ok", "worker": "none is alive: start one with signoff worker"}


def test_runs_that_wait_too_long_for_a_worker_are_told(site: Site):
    assert "Runs wait for a worker" not in site.browser().get(site.base).text
    with site.store.write() as session:
        seeding.run(session, site.seeded, site.seeded.agents["supplier-mail"], "Old", "queued", minutes_ago=5)
    assert "The oldest has been queued for 5m" in site.browser().get(site.base).text


def test_an_alert_is_resolved_once(site: Site):
    alert_id = alert(site, "OpenAI fails in run after run.")
    browser = site.browser()
    assert "OpenAI fails in run after run." in browser.get(site.base).text
    answer = browser.post(f"{site.base}/alerts/{alert_id}/resolve")
    assert (answer.status_code, answer.headers["location"]) == (303, site.base)
    with site.store.read() as session:
        row = session.get_one(Alert, alert_id)
        assert (row.open_key, row.resolved_by_name) == (None, "Mei Tanaka")
        assert audit_actions(session, site.seeded)[-1] == "alert.resolved"
    assert "OpenAI fails" not in browser.get(site.base).text
    assert browser.post(f"{site.base}/alerts/{alert_id}/resolve").status_code == 409
    assert browser.post(f"{site.base}/alerts/alr_nobody/resolve").status_code == 404


def test_an_alert_leads_to_its_incident_or_to_declaring_one(site: Site):
    with_one = alert(site, "OpenAI fails in run after run.")
    with site.store.write() as session:
        made = open_for_alert(session, with_one)
        without = raise_alert(
            session, site.seeded.workspace_id, key="key:1", kind="key_expiring", text="A key runs out.",
            agent_id=site.seeded.agents["supplier-mail"],
        )  # fmt: skip
    mei = site.browser()
    lines = {one: _line_of(mei.get(site.base).text, one) for one in (with_one, without)}
    assert f'href="{site.base}/incidents/{made}"' in lines[with_one]
    assert "/incidents/new" not in lines[with_one]
    to_declare = f"{site.base}/incidents/new?alert={without}&agent=supplier-mail"
    assert f'href="{to_declare}"' in lines[without]
    form = unescape(mei.get(to_declare).text)
    assert f'name="alert" value="{without}"' in form
    assert 'value="supplier-mail" selected' in form
    seen = site.browser("rosa").get(site.base).text
    assert f'href="{site.base}/incidents/{made}"' in _line_of(seen, with_one)
    assert "/incidents/new" not in seen


def test_incidents_under_way_stand_on_the_first_page_the_worst_first(site: Site):
    with site.store.write() as session:
        owner = site.seeded.owner
        bad = declare_incident(session, owner, Declared("It is slow", severity="sev3"))
        worse = declare_incident(session, owner, Declared("It pays twice", severity="sev2"))
        over = declare_incident(session, owner, Declared("It was slow", severity="sev2"))
        acknowledge_incident(session, owner, worse)
        resolve_incident(session, owner, over)
    html = unescape(site.browser().get(site.base).text)
    card = html.partition('aria-label="Incidents under way"')[2].partition("</section>")[0]
    assert re.findall(rf'href="{site.base}/incidents/(\w+)"', card) == [worse, bad]
    assert "Mei Tanaka sees to it" in card
    assert "nobody sees to it yet" in card
    assert f'<a class="link" href="{site.base}/incidents">2 incidents</a>' in html


def _line_of(html: str, alert_id: str) -> str:
    """The line of an alert, its references as a browser follows them."""
    return unescape(html.partition(f'<li id="{alert_id}"')[2].partition("</li>")[0])


def test_who_sees_and_does_what(site: Site):
    alert_id = alert(site, "OpenAI fails in run after run.")
    viewer = site.browser("rosa")
    assert "Resolve" not in viewer.get(site.base).text
    assert viewer.post(f"{site.base}/alerts/{alert_id}/resolve").status_code == 403
    member = site.browser("tomasz").get(site.base).text
    assert "What does it cost?" not in member
    assert "your order PO-88117" not in member
    assert "No runs yet" in member


def test_it_refreshes_in_place(site: Site):
    answer = site.browser().get(site.base, headers=HTMX)
    assert "<html" not in answer.text
    assert "Is it running?" in answer.text


def test_untrusted_text_is_only_text(site: Site):
    alert(site, "<script>alert(1)</script>")
    with site.store.write() as session:
        seeding.run(
            session,
            site.seeded,
            site.seeded.agents["supplier-mail"],
            "<script>alert(2)</script>",
            "failed",
            reason="<b>x</b>",
        )
    html = site.browser().get(site.base).text
    assert "<script>alert" not in html
    assert "<b>x</b>" not in html


def test_alerts_are_narrowed_to_one_agent(site: Site):
    alert(site, "OpenAI fails in run after run.")
    with site.store.write() as session:
        agent_id = agent_by_slug(session, site.seeded.owner, "supplier-mail").id
        raise_alert(
            session, site.seeded.workspace_id, key="k", kind="test", text="Somebody has to look.", agent_id=agent_id
        )
    both = site.browser().get(site.base).text
    assert "OpenAI fails in run after run." in both
    assert "Only alerts about supplier-mail" in both
    one = site.browser().get(f"{site.base}?agent=supplier-mail").text
    assert "Somebody has to look." in one
    assert "OpenAI fails in run after run." not in one
    assert site.browser().get(f"{site.base}?agent=nobody").status_code == 404


def test_an_address_with_a_slash_at_its_end_leads_to_the_page(site: Site):
    response = site.browser().get("/w/northwind/", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/w/northwind")
