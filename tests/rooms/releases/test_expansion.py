"""The last weeks of an agent, as they are held against its targets before it is given more to do."""

from __future__ import annotations

from decimal import Decimal

import pytest

from signoff.agents.body import Body
from signoff.agents.revisions import revision_body
from signoff.tables.agents import Agent
from signoff.tables.people import Environment
from signoff.tables.session import Store
from signoff.watch.probes.facts import Expansion
from signoff.watch.probes.load_expansion import expansion_of
from tests.rooms.releases.test_first_week import Week


def asked(week: Week, place: str, **changes: object) -> Expansion:
    """What is known of a revision that differs so from the one that serves."""
    with week.store.read() as session:
        live = week.at.revisions[0]
        body = Body.model_validate({**revision_body(session, live).model_dump(), **changes})
        agent = session.get_one(Agent, week.at.agent_id)
        environment = session.get_one(Environment, week.at.at.environments[place])
        return expansion_of(session, agent, environment, body, {}, live, weeks=3, now=week.now)


def test_weeks_are_counted_back_from_now_and_only_where_something_is_widened(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    week = Week(store, monkeypatch)
    week.ran(2, cost_usd=Decimal("0.50"), approvals_asked=2, approvals_denied=1)
    week.to(15)
    week.ran(3)
    week.ran(1, is_error=True, needed_input=True)
    week.to(16)
    assert asked(week, "production") == Expansion()
    assert asked(week, "staging", memory={"scope": "shared"}) == Expansion()
    found = asked(week, "production", memory={"scope": "shared"})
    assert found.widens == ("its memory is shared by all",)
    assert [one.runs for one in found.weeks] == [4, 0, 2]
    assert (found.weeks[0].failed_percent, found.weeks[0].needs_input_percent) == (25.0, 25.0)
    assert (found.weeks[2].denied_percent, found.weeks[2].cost_usd) == (50.0, 0.5)
