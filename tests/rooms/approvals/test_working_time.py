"""Minutes that count only while somebody works, over changes of the clock and in several zones."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from signoff.approvals.working_time import Shift, after_working_minutes, moment_at

DAILY = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
BERLIN = Shift(DAILY, "Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "minutes", "reached"),
    [
        ("2026-03-27T08:00", 60, "2026-03-27T09:00"),
        # Friday 16:30 in Berlin; the clock goes forward on Sunday, and Monday 09:00 is an hour earlier.
        ("2026-03-27T15:30", 60, "2026-03-30T07:30"),
        # Friday 16:30 in summer; the clock goes back on Sunday.
        ("2026-10-23T14:30", 60, "2026-10-26T08:30"),
        # A whole working week is 2,400 minutes.
        ("2026-03-23T08:00", 2400, "2026-03-27T16:00"),
        # Saturday: nothing counts until Monday.
        ("2026-03-28T12:00", 1, "2026-03-30T07:01"),
    ],
)
def test_minutes_run_while_they_work_whatever_the_clock_does(start: str, minutes: int, reached: str):
    assert after_working_minutes(at(start), minutes, [BERLIN]) == at(reached)


def test_a_span_over_the_change_itself_has_an_hour_less_and_one_more():
    nights = Shift({"sun": [["00:00", "06:00"]]}, "Europe/Berlin")
    # 2026-03-29: 00:00 to 06:00 are five hours, 23:00 to 04:00 UTC.
    assert after_working_minutes(at("2026-03-28T12:00"), 300, [nights]) == at("2026-03-29T04:00")
    # 2026-10-25: seven hours.
    assert after_working_minutes(at("2026-10-24T12:00"), 420, [nights]) == at("2026-10-25T05:00")


def test_a_time_that_is_skipped_is_the_moment_of_the_change_and_one_that_comes_twice_its_first():
    assert moment_at(date(2026, 3, 29), "02:30", "Europe/Berlin") == at("2026-03-29T01:00")
    assert moment_at(date(2026, 10, 25), "02:30", "Europe/Berlin") == at("2026-10-25T00:30")


def test_a_pool_around_the_world_works_whenever_one_of_them_does():
    auckland, angeles = Shift(DAILY, "Pacific/Auckland"), Shift(DAILY, "America/Los_Angeles")
    # Wednesday: Auckland 20:00 to 04:00 UTC (in summer), Los Angeles 17:00 to 01:00: together 17:00 to 04:00.
    assert after_working_minutes(at("2026-01-14T17:00"), 660, [auckland, angeles]) == at("2026-01-15T04:00")
    assert after_working_minutes(at("2026-01-14T17:00"), 661, [angeles, auckland]) == at("2026-01-15T17:01")


def test_who_says_nothing_of_their_hours_lets_minutes_run_as_they_come():
    assert after_working_minutes(at("2026-03-28T12:00"), 90, [Shift({}, "UTC")]) == at("2026-03-28T13:30")
    assert after_working_minutes(at("2026-03-28T12:00"), 90, []) == at("2026-03-28T13:30")
