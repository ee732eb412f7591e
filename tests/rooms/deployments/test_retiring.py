"""Retired revisions: nothing begins under one any more, and what runs goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from signoff.agents.queries import revision, revisions_page
from signoff.agents.retired import RevisionRetired
from signoff.deployments.refusals import RevisionInUse
from signoff.deployments.retiring import reinstate_revision, retire_revision
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.releases.actions import refusal_of, repin_run, roll_back
from signoff.releases.refusals import RepinRefused
from signoff.runs.actions import request_run
from signoff.tables.record import AuditRow
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import person
from tests.rooms.releases.kit_releases import CANARY, World, world

PLAIN = {"watch_minutes": 0}


def retire(at: World, number: int, who: Principal | None = None, reason: str = "It rounds the wrong way.") -> None:
    with at.store.write() as session:
        retire_revision(session, who or at.ann, at.agent_id, number, reason=reason)


def test_a_retired_revision_is_neither_released_nor_named_by_a_run(store: Store):
    at = world(store)
    retire(at, 2)
    made = at.ask(2)
    assert (at.state(made), at.code(made), at.live()) == ("refused", "revision_retired", 1)
    with store.read() as session:
        assert isinstance(refusal_of(session, made), RevisionRetired)
    with pytest.raises(RevisionRetired, match="Ann on .*: It rounds the wrong way"), store.write() as session:
        request_run(session, at.ann, agent=at.agent_id, environment="production", input="x", revision=2, source="api")
    with store.read() as session:
        facts = [one.retired for one in revisions_page(session, at.ann, at.agent_id).rows]
        whole = revision(session, at.ann, at.agent_id, 2).facts.retired
        actions = session.scalars(select(AuditRow.action).where(AuditRow.action == "revision.retired")).all()
    assert [one is not None for one in facts] == [False, False, True, False]
    assert whole == facts[2]
    assert len(actions) == 1


def test_it_can_be_taken_back(store: Store):
    at = world(store)
    retire(at, 2)
    with pytest.raises(RevisionRetired):
        retire(at, 2)
    with store.write() as session:
        reinstate_revision(session, at.bob, at.agent_id, 2, reason="It does not.")
    with pytest.raises(NotNow, match="has not retired"), store.write() as session:
        reinstate_revision(session, at.bob, at.agent_id, 2, reason="Again.")
    at.ask(2, PLAIN)
    assert at.live() == 2


def live(at: World) -> int:
    return 1


def candidate(at: World) -> int:
    at.ask(2, CANARY)
    return 2


def shadow(at: World) -> int:
    at.ask(3, {"shadow": {"days": 5}})
    return 3


@pytest.mark.parametrize("used", [live, candidate, shadow])
def test_what_serves_or_is_on_its_way_cannot_retire(store: Store, used: Callable[[World], int]):
    at = world(store)
    number = used(at)
    with pytest.raises(RevisionInUse) as refused:
        retire(at, number)
    assert "production" in refused.value.extra["where"]


def test_nobody_goes_back_to_one_and_the_one_before_it_is_proposed(store: Store):
    at = world(store)
    at.ask(2, PLAIN)
    at.ask(3, PLAIN)
    retire(at, 2)
    with store.write() as session:
        named = roll_back(session, at.ann, at.agent_id, environment="production", reason="x", to_revision=2)
    assert (at.code(named), at.live()) == ("revision_retired", 3)
    with store.write() as session:
        roll_back(session, at.ann, at.agent_id, environment="production", reason="It fails.")
    assert at.live() == 1


def test_runs_under_way_keep_it_and_none_is_moved_to_it(store: Store):
    at = world(store)
    at.ask(2, PLAIN)
    with store.write() as session:
        begun = request_run(session, at.ann, agent=at.agent_id, environment="production", input="x", source="api").id
    at.ask(3, PLAIN)
    with store.write() as session:
        other = request_run(session, at.ann, agent=at.agent_id, environment="production", input="y", source="api").id
        session.get_one(Run, other).state = "waiting"
    retire(at, 2)
    with store.read() as session:
        run = session.get_one(Run, begun)
        assert (run.revision_number, run.state) == (2, "queued")
    with pytest.raises(RepinRefused, match="has retired"), store.write() as session:
        repin_run(session, at.ann, other, revision=2, reason="x")


def test_who_may_retire_and_what_must_be_said(store: Store):
    at = world(store)
    vic = person(store, at.at, "Vic", "viewer")
    bound = replace(at.bob, kind="key", key_id="key_1", environment_id=at.at.environments["staging"])
    for who in (vic, bound):
        with pytest.raises(NotAllowed):
            retire(at, 2, who)
    with pytest.raises(Malformed):
        retire(at, 2, reason=" ")
    with pytest.raises(NotFound):
        retire(at, 99)
