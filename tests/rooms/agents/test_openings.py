"""Windows by the wall clock of their zone, over every change of that clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from signoff.agents.openings import is_open, next_opening, zone_named
from signoff.agents.rules import Window

BERLIN = "Europe/Berlin"
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def window(days: Any = None, opens: str = "08:00", closes: str = "18:00", **more: Any) -> Window:
    return Window.model_validate({"opens": opens, "closes": closes, **({"days": days} if days else {}), **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opening(moment: str, *windows: Window, zone: str = BERLIN) -> datetime | None:
    return next_opening([(one, ZoneInfo(one.zone or zone)) for one in windows], at(moment))


@pytest.mark.parametrize(
    ("moment", "of", "expected"),
    [
        pytest.param("2026-03-27T17:01", window(), "2026-03-30T06:00", id="over the weekend"),
        pytest.param("2026-03-27T16:59", window(), "2026-03-27T16:59", id="inside it is now"),
        pytest.param("2026-03-27T17:00", window(), "2026-03-30T06:00", id="the closing minute is outside"),
        pytest.param("2026-03-29T00:00", window(["sun"], "02:30", "05:00"), "2026-03-29T01:00", id="skipped opening"),
        pytest.param("2026-03-29T00:59", window(["sun"], "02:00", "02:30"), "2026-04-05T00:00", id="skipped whole"),
        pytest.param("2026-10-25T00:00", window(["sun"], "02:30", "04:00"), "2026-10-25T00:30", id="repeated, first"),
        pytest.param("2026-10-25T01:15", window(["sun"], "02:30", "04:00"), "2026-10-25T01:30", id="repeated, again"),
        pytest.param("2026-10-25T00:45", window(["sun"], "01:00", "02:30"), "2026-10-25T01:00", id="repeated closing"),
        pytest.param("2026-03-27T22:59", window(["fri"], "18:00", "24:00"), "2026-03-27T22:59", id="24:00 is midnight"),
        pytest.param("2026-03-27T23:00", window(["fri"], "18:00", "24:00"), "2026-04-03T16:00", id="24:00 is the end"),
        pytest.param("2026-11-28T23:00", window(["sat", "sun"], "00:00", "24:00"), "2026-11-28T23:00", id="joined"),
        pytest.param("2026-11-24T04:59", window(["mon"], "22:00", "06:00"), "2026-11-24T04:59", id="over midnight"),
        pytest.param("2026-11-24T05:00", window(["mon"], "22:00", "06:00"), "2026-11-30T21:00", id="and its end"),
        pytest.param(
            "2026-12-24T17:01", window(holidays=["2026-12-25", "2026-12-28"]), "2026-12-29T07:00", id="holidays"
        ),
        pytest.param(
            "2026-11-24T00:00", window(["mon"], "22:00", "06:00", holidays=["2026-11-24"]), "2026-11-30T21:00",
            id="the night into a holiday ends at midnight",
        ),
        pytest.param(
            "2026-11-23T22:00", window(["mon"], "22:00", "06:00", holidays=["2026-11-23"]), "2026-11-30T21:00",
            id="the night of a holiday does not begin",
        ),
        pytest.param(
            "2026-09-05T12:00", window(["sun"], "00:00", "12:00", zone="America/Santiago"), "2026-09-06T04:00",
            id="a day whose midnight is skipped",
        ),
    ],
)  # fmt: skip
def test_the_next_opening_is_exact(moment: str, of: Window, expected: str) -> None:
    assert opening(moment, of) == at(expected)


def test_several_windows_are_met_together() -> None:
    berlin, new_york = window(zone=BERLIN), window(zone="America/New_York")
    assert opening("2026-11-27T07:00", berlin, new_york) == at("2026-11-27T13:00")
    # In the weeks between the two changes of the clock they are an hour less apart.
    assert opening("2026-03-16T07:00", berlin, new_york) == at("2026-03-16T12:00")


def test_what_never_opens_is_told_as_none() -> None:
    assert opening("2026-11-27T07:00", window(["mon"]), window(["tue"])) is None
    assert opening("2026-11-27T07:00", window(["mon"], "08:00", "08:00")) is None
    mondays = [(date(2026, 11, 23) + timedelta(weeks=week)).isoformat() for week in range(70)]
    assert opening("2026-11-27T07:00", window(["mon"], holidays=mondays)) is None


def test_a_zone_that_is_none_is_not_found() -> None:
    assert zone_named(BERLIN) is not None
    assert [zone_named(name) for name in ("Europe/Atlantis", "../etc/passwd", "", "Europe")] == [None] * 4
    # What another machine would read as another zone.
    assert [zone_named(name) for name in ("localtime", "posixrules")] == [None] * 2


@pytest.mark.parametrize(
    ("zone", "from_"),
    [
        (BERLIN, "2026-03-28T00:00"), (BERLIN, "2026-10-24T00:00"), ("Australia/Lord_Howe", "2026-04-03T00:00"),
        ("Australia/Lord_Howe", "2026-10-02T00:00"), ("America/Santiago", "2026-09-05T00:00"),
        ("America/Santiago", "2026-04-03T12:00"), ("Pacific/Apia", "2011-12-29T00:00"),
        ("Asia/Kolkata", "2026-11-27T00:00"),
        ("America/St_Johns", "2026-10-31T00:00"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("opens", "closes"), [("02:15", "02:45"), ("00:00", "01:30"), ("23:30", "02:10"), ("01:45", "24:00")]
)
def test_no_minute_opens_before_the_next_opening(zone: str, from_: str, opens: str, closes: str) -> None:
    one, there, start = window(EVERY_DAY, opens, closes), ZoneInfo(zone), at(from_)
    minutes = [start + timedelta(minutes=number) for number in range(3 * 24 * 60)]
    following: datetime | None = None
    expected: dict[datetime, datetime] = {}
    for minute in reversed(minutes):
        following = minute if is_open(one, there, minute) else following
        if following is not None:
            expected[minute] = following
    looked_at = [minute for minute in minutes[::17] if minute in expected]
    assert len(looked_at) > 100
    assert {minute: next_opening([(one, there)], minute) for minute in looked_at} == {
        minute: expected[minute] for minute in looked_at
    }
