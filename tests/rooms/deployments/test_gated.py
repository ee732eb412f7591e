"""Production takes no revision that could do what cannot be undone with nobody asked."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.agents.actions import freeze_revision, save_draft
from signoff.agents.queries import draft_of
from signoff.deployments.actions import freeze_and_serve_first
from signoff.deployments.queries import live_revisions
from signoff.deployments.refusals import GateMissing
from signoff.people.access import Principal
from signoff.releases.actions import make_live
from signoff.tables.session import Store
from tests.kit_policy import let_it_tell_only
from tests.rooms.agents import kit_agents

TOOLS = [{"slot": "erp", "allow": [{"tool": "pay"}]}]
GATE = {"name": "g", "effects": ["irreversible"]}


@pytest.fixture
def at(store: Store) -> kit_agents.Place:
    made = kit_agents.place(store)
    with store.write() as session:
        for place in ("staging", "production"):
            kit_agents.connection(session, made, place, "erp", {"pay": kit_agents.tool("irreversible")})
    return made


def frozen(store: Store, who: Principal, agent: str, **changes: Any) -> int:
    """One more revision; return its number."""
    with store.write() as session:
        draft = draft_of(session, who, agent)
        save_draft(session, who, agent, body={**draft.body, **changes}, version=draft.version)
        return freeze_revision(session, who, agent, reason="r").number


def live(store: Store, who: Principal, agent: str) -> dict[str, int]:
    with store.read() as session:
        return {one.environment: one.revision_number for one in live_revisions(session, who, [agent])[agent]}


def test_an_irreversible_tool_without_a_gate_is_refused_in_production_only(store: Store, at: kit_agents.Place):
    alice = kit_agents.person(store, at, "Alice")
    agent = kit_agents.agent(store, alice, tools=TOOLS)
    with store.write() as session:
        freeze_and_serve_first(session, alice, agent, reason="first")
    assert live(store, alice, agent) == {"staging": 1}
    with pytest.raises(GateMissing) as refused, store.write() as session:
        make_live(session, alice, agent, environment="production", revision=1, reason="r")
    assert (refused.value.code, refused.value.extra) == ("gate_missing", {"tools": ["erp.pay"]})
    number = frozen(store, alice, agent, gates=[GATE])
    with store.write() as session:
        let_it_tell_only(session, alice.workspace_id)
        make_live(session, alice, agent, environment="production", revision=number, reason="r")
    assert live(store, alice, agent) == {"staging": 1, "production": 2}


def test_a_gate_that_never_asks_does_not_count(store: Store, at: kit_agents.Place):
    alice = kit_agents.person(store, at, "Alice")
    agent = kit_agents.agent(store, alice, tools=TOOLS, gates=[{**GATE, "unless": {"amount": {}}}])
    with store.write() as session:
        freeze_and_serve_first(session, alice, agent, reason="first")
    with pytest.raises(GateMissing), store.write() as session:
        make_live(session, alice, agent, environment="production", revision=1, reason="r")


def test_the_first_revision_with_its_gate_serves_production_at_once(store: Store, at: kit_agents.Place):
    alice = kit_agents.person(store, at, "Alice")
    agent = kit_agents.agent(store, alice, tools=TOOLS, gates=[GATE])
    with store.write() as session:
        freeze_and_serve_first(session, alice, agent, reason="first")
    assert live(store, alice, agent) == {"staging": 1, "production": 1}
