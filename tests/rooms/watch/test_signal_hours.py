"""Signals by the hour: rolled up once, read live before, and the same either way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from signoff.engine.summing import sum_hours
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound
from signoff.people.access import system
from signoff.tables.session import Store
from signoff.tables.signals import Signal, SignalHour
from signoff.watch.rollup import Rolling, due, last_due, roll_up
from signoff.watch.signals import hours_of
from tests.engine.kit_engine import House, house
from tests.rooms.runs.kit_runs import put, revision_of, run_row

NOW = datetime(2030, 1, 31, 12, 20, tzinfo=UTC)


def ended(store: Store, at: House, number: int, moment: datetime, **values: Any) -> None:
    """A run that ended at a moment, and its facts."""
    revision = revision_of(store, at)
    run = run_row(at, number, moment=moment, revision_id=revision, state="completed", ended_at=moment)
    put(store, run)
    facts: dict[str, Any] = {
        "run_id": run.id, "workspace_id": at.workspace_id, "agent_id": at.agent_id,
        "environment_id": at.environment_id, "revision_id": revision, "variant": "live", "source": "api",
        "origin": "production", "mode": "live", "status": "completed", "is_error": False, "needed_input": False,
        "cost_usd": Decimal("0.5"), "tokens": 10, "duration_seconds": 3.0, "tool_calls": 2, "approvals_asked": 1,
        "approvals_denied": 0, "ended_at": moment, **values,
    }  # fmt: skip
    with store.write() as session:
        session.add(Signal(**facts))


def world(store: Store) -> House:
    at = house(store, "unused")
    ended(store, at, 1, NOW - timedelta(hours=3))
    ended(store, at, 2, NOW - timedelta(hours=3, minutes=-10), status="failed", is_error=True, duration_seconds=5.0)
    ended(store, at, 3, NOW - timedelta(hours=2), needed_input=True, approvals_denied=1)
    ended(store, at, 4, NOW - timedelta(hours=2), variant="candidate")
    ended(store, at, 5, NOW - timedelta(hours=2), origin="test", mode="sandbox")
    ended(store, at, 6, NOW - timedelta(minutes=2), status="cancelled")
    return at


def rolled(store: Store, moment: datetime) -> int:
    with store.write() as session:
        found = due(session, moment)
        for one in found:
            roll_up(session, one, moment)
        return len(found)


def test_the_sums_are_the_same_before_and_after_they_are_rolled_up(store: Store):
    at = world(store)
    with store.read() as session:
        live = hours_of(session, at.who, at.agent_id, until=NOW)
    assert rolled(store, NOW) == 1
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(SignalHour)) == 4
        after = hours_of(session, at.who, at.agent_id, until=NOW)
    assert after == live
    assert [(one.hour.hour, one.variant, one.origin, one.runs) for one in after.hours] == [
        (12, "live", "production", 1),
        (10, "live", "test", 1),
        (10, "live", "production", 1),
        (10, "candidate", "production", 1),
        (9, "live", "production", 2),
    ]
    oldest = after.hours[-1]
    assert (oldest.completed, oldest.failed, oldest.errors, oldest.environment) == (1, 1, 1, "production")
    assert (oldest.cost_usd, oldest.tokens, oldest.tool_calls) == (Decimal(1), 20, 4)
    assert (oldest.duration_seconds, oldest.duration_squares) == (pytest.approx(8), pytest.approx(34))
    assert (after.hours[2].needed_input, after.hours[2].approvals_denied) == (1, 1)


def test_an_hour_is_rolled_up_once_and_a_late_end_is_taken_in_with_the_next(store: Store):
    at = world(store)
    assert (rolled(store, NOW), rolled(store, NOW)) == (1, 0)
    ended(store, at, 7, NOW - timedelta(hours=2))
    assert rolled(store, NOW) == 0
    assert rolled(store, NOW + timedelta(hours=1)) == 1
    with store.read() as session:
        found = hours_of(session, at.who, at.agent_id, until=NOW, variant="live", origin="production")
    assert [(one.hour.hour, one.runs) for one in found.hours] == [(12, 1), (10, 2), (9, 2)]


def test_sums_can_be_narrowed_and_other_workspaces_are_not_seen(store: Store):
    at = world(store)
    other = house(store, "unused", slug="other")
    rolled(store, NOW)
    with store.read() as session:
        of: dict[str, Any] = {"since": NOW - timedelta(hours=5), "until": NOW}
        assert [one.variant for one in hours_of(session, at.who, "clerk", variant="candidate", **of).hours] == [
            "candidate"
        ]
        assert len(hours_of(session, at.who, "clerk", environment="production", revision=1, **of).hours) == 5
        assert hours_of(session, at.who, "clerk", environment="nowhere", **of).hours == []
        assert hours_of(session, at.who, "clerk", revision=2, **of).hours == []
        with pytest.raises(NotFound):
            hours_of(session, system(other.workspace_id), at.agent_id, **of)
        with pytest.raises(Malformed, match="31 days"):
            hours_of(session, at.who, "clerk", since=NOW - timedelta(days=40), until=NOW)
        with pytest.raises(Malformed):
            hours_of(session, at.who, "clerk", since=NOW, until=NOW - timedelta(hours=3))


async def test_a_sweep_sums_what_is_over_and_then_waits_for_the_next_hour(store: Store):
    at = house(store, "unused")
    ended(store, at, 1, clock.now() - timedelta(hours=3))
    rolling = Rolling()
    assert (await sum_hours(store, rolling), await sum_hours(store, rolling)) == (1, 0)
    with store.read() as session:
        assert session.scalars(select(SignalHour.runs)).all() == [1]


def test_a_process_looks_once_an_hour():
    rolling = Rolling()
    assert rolling.is_due()
    rolling.done(last_due(clock.now()))
    assert not rolling.is_due()
    assert last_due(NOW.replace(minute=4)).hour == 11
    assert last_due(NOW.replace(minute=5)).hour == 12
