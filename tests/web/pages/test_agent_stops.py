"""The three stops on the page of an agent: what each shows first, does, and tells after."""

from __future__ import annotations

from sqlalchemy import select

from signoff.agents.pauses import pause_of
from signoff.freezes.queries import active_freezes
from signoff.runs.stops import last_stop
from signoff.tables.runs import Run
from signoff.tables.stops import StopOrder
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions


def post(site: Site, rest: str, who: str = "mei", **fields: str):
    return site.browser(who).post(f"{site.base}/agents/supplier-mail/{rest}", data=fields)


def shown(site: Site, who: str = "mei") -> str:
    return site.browser(who).get(f"{site.base}/agents/supplier-mail").text


def test_pausing_says_who_and_why_wherever_the_agent_is_shown(site: Site):
    assert "Nothing new starts: no schedule" in shown(site)
    assert post(site, "pause", reason="").status_code == 422
    assert post(site, "pause", reason="Odd bills", hours="soon").status_code == 422
    assert post(site, "pause", reason="Odd bills", hours="2").status_code == 303
    html = shown(site)
    for word in ("This agent is paused", "Mei Tanaka paused it until", "Odd bills", "/agents/supplier-mail/resume"):
        assert word in html
    assert "Paused" in site.browser().get(f"{site.base}/agents").text
    assert "Paused" in site.browser().get(f"{site.base}/agents/supplier-mail/tools").text
    assert post(site, "pause", reason="Again").status_code == 409
    assert post(site, "resume").status_code == 303
    assert post(site, "resume").status_code == 409
    with site.store.read() as session:
        assert pause_of(session, site.seeded.agents["supplier-mail"]) is None
        assert [name for name in audit_actions(session, site.seeded) if name.startswith("agent.")][-2:] == [
            "agent.paused", "agent.resumed",
        ]  # fmt: skip


def test_writes_are_frozen_and_the_freeze_is_lifted(site: Site):
    assert post(site, "freeze-writes", reason="Wrong accounts").status_code == 303
    assert "Mei Tanaka froze it: Wrong accounts" in shown(site)
    with site.store.read() as session:
        (freeze,) = active_freezes(session, site.seeded.owner)
    assert (freeze.scope, freeze.target_id) == ("agent", site.seeded.agents["supplier-mail"])
    assert post(site, "lift", freeze=freeze.id).status_code == 303
    assert "Runs go on, and no write leaves." in shown(site)


def test_a_stop_shows_what_it_would_hit_first_and_how_far_it_is_after(site: Site):
    agent = site.seeded.agents["supplier-mail"]
    with site.store.read() as session:
        states = list(session.scalars(select(Run.state).where(Run.agent_id == agent)))
    html = shown(site)
    for state in ("running", "waiting", "queued"):
        assert f"<strong>{states.count(state)} {state}</strong>" in html
    assert post(site, "stop", reason="").status_code == 422
    assert post(site, "stop", reason="They are wrong", with_pause="yes").status_code == 303
    html = shown(site)
    assert "called off so far" in html
    assert "This agent is paused" in html
    with site.store.read() as session:
        left = set(session.scalars(select(Run.state).where(Run.agent_id == agent)))
        order = last_stop(session, agent)
    assert not left & {"queued", "waiting"}
    assert order is not None
    assert (order.reason, order.ordered_by_name) == ("They are wrong", "Mei Tanaka")


def test_who_may_not_sees_no_button_and_is_refused(site: Site):
    html = shown(site, "rosa")
    for word in ("/pause", "/freeze-writes", "/stop"):
        assert f'action="{site.base}/agents/supplier-mail{word}"' not in html
    for rest in ("pause", "freeze-writes", "stop"):
        assert post(site, rest, "rosa", reason="x").status_code in (403, 404)
    with site.store.read() as session:
        assert session.scalar(select(StopOrder.id)) is None
