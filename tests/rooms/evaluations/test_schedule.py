"""What is evaluated by itself: what serves by the clock, and each revision as soon as it is frozen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from signoff.agents.actions import save_draft
from signoff.agents.actions.revisions import freeze_revision
from signoff.evaluations.actions import archive_dataset, due_datasets, evaluate_by_itself, set_schedule
from signoff.evaluations.calendar import next_time
from signoff.evaluations.results import evaluations_page
from signoff.kit import clock
from signoff.kit.errors import NotAllowed
from signoff.record.alarms import RAISE
from signoff.tables.people import Member
from signoff.tables.record import OutboxMessage
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import body, person
from tests.rooms.evaluations.kit_evaluations import Desk, desk

FRIDAY = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def at(store: Store) -> Desk:
    made = desk(store)
    made.fill(1)
    return made


def look(at: Desk, now: datetime) -> list[str]:
    """Let the engine look; return the triggers of what was asked for."""
    with at.store.read() as session:
        due = due_datasets(session, now)
    for one in due:
        with at.store.write() as session:
            evaluate_by_itself(session, one, now)
    with at.store.read() as session:
        return [one.trigger for one in evaluations_page(session, at.world.ann).rows]


def alerts(at: Desk) -> list[str]:
    with at.store.read() as session:
        told = session.scalars(select(OutboxMessage.payload).where(OutboxMessage.kind == RAISE)).all()
    return [one["text"] for one in told]


@pytest.mark.parametrize(
    ("every", "hour", "zone", "wanted"),
    [
        ("day", 13, "UTC", datetime(2026, 11, 27, 13, tzinfo=UTC)),
        ("day", 12, "UTC", datetime(2026, 11, 28, 12, tzinfo=UTC)),
        ("week", 3, "UTC", datetime(2026, 11, 30, 3, tzinfo=UTC)),
        ("day", 3, "Europe/Vienna", datetime(2026, 11, 28, 2, tzinfo=UTC)),
    ],
)
def test_the_next_time_is_the_first_after_now_by_the_clock_of_the_zone(every, hour, zone, wanted):
    assert next_time(every, hour, zone, FRIDAY) == wanted


def test_each_night_what_serves_is_measured_again_and_once(at: Desk) -> None:
    at.do(set_schedule, every="day", at_hour=3)
    due = at.facts().schedule
    assert due is not None
    assert due.next_at is not None
    assert look(at, due.next_at - timedelta(seconds=1)) == []
    assert look(at, due.next_at) == ["schedule"]
    assert look(at, due.next_at) == ["schedule"]
    assert look(at, due.next_at + timedelta(days=1)) == ["schedule", "schedule"]


def test_each_revision_is_evaluated_as_soon_as_it_is_frozen(at: Desk) -> None:
    at.do(set_schedule, is_of_each_revision=True)
    assert look(at, clock.now()) == []
    with at.store.write() as session:
        save_draft(session, at.world.ann, at.world.agent_id, body=body(sop="Better."), version=3)
        freeze_revision(session, at.world.ann, at.world.agent_id, reason="better")
    assert look(at, clock.now()) == ["revision"]
    assert look(at, clock.now()) == ["revision"]


def test_an_archived_dataset_is_left_alone(at: Desk) -> None:
    at.do(set_schedule, every="day", is_of_each_revision=True)
    at.do(archive_dataset)
    assert look(at, clock.now() + timedelta(days=9)) == []


def test_neither_by_the_clock_nor_of_each_revision_ends_it(at: Desk) -> None:
    at.do(set_schedule, every="week")
    at.do(set_schedule)
    assert at.facts().schedule is None
    assert look(at, clock.now() + timedelta(days=9)) == []


def test_when_whoever_set_it_is_gone_somebody_is_told(at: Desk) -> None:
    bob = at.world.bob
    at.do(set_schedule, every="day", who=bob)
    with at.store.write() as session:
        session.execute(update(Member).where(Member.id == bob.id).values(state="removed"))
    assert look(at, clock.now() + timedelta(days=2)) == []
    assert len(alerts(at)) == 1
    assert "Bob" in alerts(at)[0]


def test_who_may_not_evaluate_sets_no_schedule(at: Desk) -> None:
    eve = person(at.store, at.world.at, "Eve", "viewer")
    with pytest.raises(NotAllowed):
        at.do(set_schedule, every="day", who=eve)
