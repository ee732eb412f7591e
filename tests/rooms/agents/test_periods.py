"""The periods in which caps count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from signoff.agents.periods import identity_of, is_in_force, period_of
from signoff.agents.rules import Cap

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("per", "moment", "name", "ends"),
    [
        ("minute", "2026-11-27T10:05:59", "2026-11-27T10:05+00:00", "2026-11-27T10:06"),
        ("hour", "2026-11-27T10:05:59", "2026-11-27T10:00+00:00", "2026-11-27T11:00"),
        ("day", "2026-11-27T23:30", "2026-11-28", "2026-11-28T23:00"),
        ("day", "2026-03-28T23:30", "2026-03-29", "2026-03-29T22:00"),
        ("week", "2026-11-27T10:05", "2026-W48", "2026-11-29T23:00"),
        ("week", "2026-12-31T10:05", "2026-W53", "2027-01-03T23:00"),
    ],
)
def test_a_period_is_named_and_ends_by_the_wall_clock(per: Any, moment: str, name: str, ends: str) -> None:
    found = period_of(per, BERLIN, at(moment))
    assert (found.name, found.ends_at) == (name, at(ends))


def test_an_hour_that_the_clock_shows_twice_is_two_hours() -> None:
    first, second = (period_of("hour", BERLIN, at(f"2026-10-25T0{hour}:30")) for hour in (0, 1))
    assert first.name != second.name
    assert first.ends_at == at("2026-10-25T01:00")


def test_a_cap_holds_to_the_end_of_its_last_day() -> None:
    cap = Cap.model_validate({"most": 1, "per": "day", "until": "2026-11-27"})
    assert is_in_force(cap, BERLIN, at("2026-11-27T22:59"))
    assert not is_in_force(cap, BERLIN, at("2026-11-27T23:00"))


def test_raising_a_cap_does_not_begin_a_new_count() -> None:
    first = Cap.model_validate({"most": 1, "per": "day", "tools": ["a.b", "c.d"]})
    raised = Cap.model_validate({"most": 5, "per": "day", "tools": ["c.d", "a.b"], "until": "2026-11-27"})
    other = Cap.model_validate({"most": 1, "per": "hour", "tools": ["a.b", "c.d"]})
    assert identity_of(first) == identity_of(raised)
    assert identity_of(first) != identity_of(other)
