"""When a message goes out: pace, quiet hours, changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from signoff.approvals.pacing import goes_out_at


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "pace", "quiet", "told"),
    [
        ("2026-07-01T10:20", "at_once", None, "2026-07-01T10:20"),
        ("2026-07-01T10:20", "hourly", None, "2026-07-01T11:00"),
        ("2026-07-01T10:20", "daily", None, "2026-07-02T06:00"),
        ("2026-07-01T05:20", "daily", None, "2026-07-01T06:00"),
        # Berlin, 23:00 and 03:00: quiet until 07:00, over midnight.
        ("2026-07-01T21:00", "at_once", ["22:00", "07:00"], "2026-07-02T05:00"),
        ("2026-07-02T01:00", "at_once", ["22:00", "07:00"], "2026-07-02T05:00"),
        ("2026-07-02T05:00", "at_once", ["22:00", "07:00"], "2026-07-02T05:00"),
        ("2026-07-01T19:30", "hourly", ["22:00", "07:00"], "2026-07-02T05:00"),
        ("2026-07-01T11:00", "at_once", ["12:00", "14:00"], "2026-07-01T12:00"),
        # The night in which the clock goes forward: 07:00 is an hour earlier.
        ("2026-03-28T22:00", "at_once", ["22:00", "07:00"], "2026-03-29T05:00"),
        ("2026-10-24T22:00", "at_once", ["22:00", "07:00"], "2026-10-25T06:00"),
    ],
)
def test_what_happens_is_told_at_its_time_in_the_zone_of_the_channel(
    moment: str, pace: str, quiet: list[str] | None, told: str
):
    assert goes_out_at(at(moment), pace, quiet, "Europe/Berlin") == at(told)
