"""Rehearsals of going back that are held by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.app.housekeeping import hold_drills
from signoff.deployments.refusals import GateMissing
from signoff.kit import clock
from signoff.releases import gate
from signoff.releases.drill_schedule import drill_plans, due_drills, hold_drill
from signoff.releases.queries import drills_page
from signoff.releases.views import DrillFacts
from signoff.tables.releases import Drill
from signoff.tables.session import Store
from signoff.watch.probes.evaluate import judged
from signoff.watch.probes.facts import DrillFact, Expected
from signoff.watch.probes.policies import set_policy
from signoff.watch.probes.policy import default_policy
from signoff.watch.queries import open_alerts
from tests.rooms.releases.kit_releases import CANARY, World, world
from tests.rooms.watch.kit_probes import DAY, GOOD, NOW

EVERY_MONTH = "version: 1\ndrills: {every_days: 30}\n"
OFTEN = "version: 1\nexpected:\n  supplier-mail: {drill_every_days: 7}\n"
MONTH = timedelta(days=30, minutes=1)


def ready(store: Store, text: str = EVERY_MONTH) -> World:
    """An agent whose second revision serves production, and is not watched any more."""
    at = world(store)
    at.ask(2, {"watch_minutes": 0})
    with store.write() as session:
        set_policy(session, at.ann, text, reason="as agreed", expected=0)
    return at


def drills(at: World) -> list[DrillFacts]:
    with at.store.read() as session:
        return list(drills_page(session, at.ann, at.agent_id).rows)


def hold(at: World, later: timedelta) -> int:
    """Hold what is due at a moment to come; return how many drills were held."""
    held = 0
    with at.store.write() as session:
        for due in due_drills(session, clock.now() + later):
            held += hold_drill(session, due, clock.now() + later) is not None
    return held


def test_a_drill_is_held_when_it_is_due_measured_and_undone(store: Store):
    at = ready(store)
    before = at.row()
    assert hold(at, timedelta(days=29)) == 0
    assert hold(at, MONTH) == 1
    (made,) = drills(at)
    assert (made.kind, made.environment, made.is_passed, made.by_name) == ("rehearsed", "production", True, "Signoff")
    assert made.milliseconds >= 0
    after = at.row()
    assert (after.revision_id, after.release_id, after.changed_at) == (
        before.revision_id, before.release_id, before.changed_at,
    )  # fmt: skip
    assert hold(at, timedelta(days=29)) == 0  # The next is due a month after this one.


def test_an_agent_may_be_drilled_more_often_than_others(store: Store):
    at = ready(store, OFTEN)
    assert hold(at, timedelta(days=6)) == 0
    assert hold(at, timedelta(days=8)) == 1


async def test_nobody_is_drilled_where_the_policy_says_nothing(store: Store):
    at = ready(store, "version: 1\nreviewers:\n  low: {people: 1, reason: All of it.}\n")
    assert (hold(at, timedelta(days=900)), drills(at)) == (0, [])
    assert await hold_drills(store) == 0


def test_no_drill_is_held_while_a_release_is_on_its_way(store: Store):
    at = ready(store)
    made = at.ask(3, CANARY)
    assert hold(at, MONTH) == 0
    assert (drills(at), at.row().candidate_release_id) == ([], made)


def test_one_that_failed_is_told_of_and_tried_again_a_day_later(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = ready(store)
    with monkeypatch.context() as patch:
        patch.setattr(gate, "unsafe", lambda *_: GateMissing("A gate is missing."))
        assert hold(at, MONTH) == 1
    with store.read() as session:
        assert [one.kind for one in open_alerts(session, at.ann)] == ["rollback_drill_failed"]
    moved(store, clock.now() + MONTH)
    assert hold(at, MONTH + timedelta(hours=1)) == 0
    assert hold(at, MONTH + timedelta(days=1, hours=1)) == 1
    assert [one.is_passed for one in drills(at)] == [True, False]
    with store.read() as session:
        assert open_alerts(session, at.ann) == []


def moved(store: Store, moment: Any) -> None:
    with store.write() as session:
        session.execute(update(Drill).values(at=moment))


def test_the_last_and_the_next_drill_are_told(store: Store):
    at = ready(store)

    def plan(session: Session) -> tuple[bool, bool]:
        found = drill_plans(session, at.ann, at.agent_id)["production"]
        return found.last is not None, found.next_at is not None and found.next_at > clock.now()

    with store.read() as session:
        assert plan(session) == (False, True)
    hold(at, MONTH)
    with store.read() as session:
        assert plan(session) == (True, True)


@pytest.mark.parametrize(("days", "status"), [(7, "true"), (7.9, "true"), (8.1, "false")])
def test_an_overdue_drill_makes_the_probe_false(days: float, status: str):
    facts = replace(GOOD, drill=DrillFact(1, True, NOW - days * DAY), expected=Expected(drill_every_days=7))
    found = {one.probe: one for one in judged(facts, default_policy(), {}).results}["rollback.drilled"]
    assert found.status == status
    assert ("overdue" in found.measured) == (status == "false")
