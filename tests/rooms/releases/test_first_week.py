"""The first week of an agent in production: days judged, good ones counted, and its end."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.releases.follow_up.opening import begin_follow_up, due_follow_ups, look_at_follow_up, unfollowed
from signoff.releases.follow_up.queries import follow_up
from signoff.releases.follow_up.reading import end_by_hand, read_outputs
from signoff.releases.follow_up.states import DayItem, good_in_row, verdict_of
from signoff.releases.follow_up.views import FollowUpFacts
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Workspace
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from signoff.watch.probes.policies import set_policy
from signoff.watch.queries import open_alerts
from tests.engine.kit_engine import House
from tests.rooms.releases.kit_canary import Canary
from tests.rooms.releases.kit_releases import World, world

DAY = timedelta(days=1)
BEGUN = datetime(2026, 11, 30, 9, tzinfo=UTC)  # A Monday.


class Week:
    """An agent whose first week began on a Monday; a clock that a test moves."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch, *, zone: str = "UTC", policy: str = "") -> None:
        self.store = store
        self.now = BEGUN
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self.at: World = world(store, 2)
        here = House(self.at.at.workspace_id, self.at.agent_id, "", self.at.at.environments["production"])
        self.runs = Canary(store, self.at.ann, here, list(self.at.revisions), "", BEGUN)
        with store.write() as session:
            session.execute(update(Workspace).values(time_zone=zone))
            if policy:
                set_policy(session, self.at.ann, policy, reason="as agreed", expected=0)
        self.look()

    @property
    def ann(self) -> Principal:
        return self.at.ann

    def look(self) -> None:
        """Let the engine look at what is due at this moment."""
        with self.store.write() as session:
            for which in unfollowed(session):
                begin_follow_up(session, which, self.now)
        with self.store.write() as session:
            for one in due_follow_ups(session, self.now):
                look_at_follow_up(session, one, self.now)

    def to(self, day: int, hour: int = 9, minute: int = 0) -> None:
        """Move the clock: so many days after the first, and look."""
        self.now = datetime.combine(BEGUN.date() + day * DAY, time(hour, minute), UTC)
        self.look()

    def ran(self, number: int = 3, **facts: Any) -> list[str]:
        """Runs that end at this moment."""
        with self.store.write() as session:
            live = session.get_one(LiveRevision, (self.at.agent_id, self.at.at.environments["production"]))
            return [
                self.runs.ended(session, self.now, live.revision_id, "live", live.release_id, **facts)
                for _ in range(number)
            ]

    def read(self, runs: list[str], reading: Any = "right", who: Principal | None = None, **more: Any) -> str:
        """Somebody says what reading these found."""
        with self.store.write() as session:
            return read_outputs(
                session, who or self.ann, self.at.agent_id, environment="production", reading=reading, runs=runs, **more
            )

    def good_day(self) -> None:
        """Three runs that completed, and somebody who read them."""
        self.read(self.ran())

    def facts(self) -> FollowUpFacts:
        with self.store.read() as session:
            return follow_up(session, self.ann, self.at.agent_id, "production")

    def verdicts(self) -> list[str | None]:
        """Return how the days were judged, the oldest first."""
        return [day.verdict for day in reversed(self.facts().days)]

    def alerts(self) -> list[str]:
        with self.store.read() as session:
            return [alert.text for alert in open_alerts(session, self.ann) if alert.kind == "first_week_bad_day"]


def item(status: Any) -> DayItem:
    return DayItem("failed", "Few runs fail", status, "", "")


@pytest.mark.parametrize(
    ("runs", "status", "reading", "is_closed", "verdict"),
    [
        (3, "true", "right", False, "good"),
        (3, "false", "right", False, "bad"),
        (3, "true", "wrong", False, "bad"),
        (3, "true", None, False, None),
        (3, "true", None, True, "unread"),
        (0, "missing", None, True, "quiet"),
        (0, "false", None, True, "quiet"),
        (3, "missing", "right", False, "good"),
    ],
)
def test_a_day_is_judged_by_what_is_known_of_it(
    runs: int, status: str, reading: Any, is_closed: bool, verdict: str | None
):
    assert verdict_of(runs, [item(status)], reading=reading, is_read=True, is_closed=is_closed) == verdict


def test_good_days_in_a_row_are_counted_over_quiet_ones():
    assert good_in_row([]) == 0
    assert good_in_row(["good", "quiet", "quiet", "good"]) == 2
    assert good_in_row(["good", "bad", "good"]) == 1
    assert good_in_row(["good", "good", "unread"]) == 0


def test_three_good_days_in_a_row_end_the_first_week(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    assert (week.facts().state, week.facts().good_days, week.facts().good_days_wanted) == ("first_week", 0, 3)
    for day in range(3):
        week.to(day)
        assert (week.facts().state, week.facts().good_days) == ("first_week", day)
        week.good_day()
    week.to(3, 0, 1)
    assert week.facts().state == "first_week"  # What ended at midnight may be committed a little later.
    week.to(3, 0, 6)
    facts = week.facts()
    assert (facts.state, facts.ended_how, facts.good_days, facts.ended_by_name) == (
        "routine",
        "graduated",
        3,
        "Signoff",
    )
    assert week.verdicts() == ["good", "good", "good"]
    assert facts.next_review_at == week.now + timedelta(days=7)
    with store.read() as session:
        actions = list(session.scalars(select(AuditRow.action).where(AuditRow.object_kind == "follow_up")))
    assert actions.count("follow_up.day_judged") == 3
    assert actions.count("follow_up.graduated") == 1


def test_a_bad_day_begins_the_count_anew_and_tells_the_owner(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    week.good_day()
    week.to(1)
    week.good_day()
    week.to(2)
    week.read([*week.ran(2), *week.ran(1)])
    week.ran(1, is_error=True)
    week.to(3)
    assert (week.facts().state, week.facts().good_days) == ("first_week", 0)
    assert week.verdicts()[:3] == ["good", "good", "bad"]
    (told,) = week.alerts()
    assert "1 of 4 runs failed" in told
    for day in (3, 4, 5):
        week.to(day)
        week.good_day()
    week.to(5, 12)
    assert week.alerts() == []  # The first good day ended that.
    week.to(6)
    assert week.facts().state == "routine"


def test_a_day_without_runs_neither_counts_nor_breaks_the_row(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    week.good_day()
    week.to(1)
    week.good_day()
    week.to(4)  # Two days on which nothing ran.
    assert week.verdicts()[:3] == ["good", "good", "quiet"]
    week.good_day()
    week.to(5)
    assert week.facts().state == "routine"


def test_a_day_that_nobody_read_waits_a_day_and_then_breaks_the_row(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    week.good_day()
    week.to(1)
    runs = week.ran()
    week.to(2)
    assert week.verdicts()[:2] == ["good", None]
    assert [one.day for one in week.facts().to_read] == ["2026-12-02", "2026-12-01"]
    week.to(3)
    assert week.verdicts()[:2] == ["good", "unread"]
    assert week.facts().good_days == 0
    with pytest.raises(NotNow):
        week.read(runs, day="2026-12-01")
    assert week.alerts() == []


def test_yesterday_is_judged_as_soon_as_somebody_has_read_it(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    runs = week.ran()
    week.to(1)
    assert week.verdicts() == [None]
    week.read(runs, day="2026-11-30")
    assert (week.verdicts(), week.facts().good_days) == (["good"], 1)


def test_what_a_person_found_wrong_makes_the_day_bad(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    runs = week.ran()
    with pytest.raises(Malformed):
        week.read(runs, "wrong")
    week.read(runs, "wrong", note="It greets everybody as Bob.")
    week.to(1)
    assert week.verdicts() == ["bad"]
    assert "greets everybody as Bob" in week.alerts()[0]


def test_a_reading_names_enough_runs_of_that_very_day(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    runs = week.ran(4)
    with pytest.raises(Malformed, match="at least 3 of the 4"):
        week.read(runs[:2])
    with pytest.raises(Malformed, match="no completed run of that day"):
        week.read([*runs, "run_of_another_day"])
    assert week.read(runs[:3]) == "2026-11-30"
    sample = week.facts().to_read[0]
    assert (sample.completed, {run.id for run in sample.runs} <= set(runs), sample.reading) == (4, True, "right")


def test_cost_duration_and_needed_input_are_held_against_the_days_before(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    week.good_day()
    week.to(1)
    week.read(week.ran(3, cost_usd=Decimal("0.10"), duration_seconds=60.0))
    week.to(2)
    wrong = {one["id"] for one in week.facts().days[0].items if one["status"] == "false"}
    assert wrong == {"cost", "duration"}
    week.ran(2, needed_input=True)
    week.to(3)
    wrong = {one["id"] for one in week.facts().days[0].items if one["status"] == "false"}
    assert wrong == {"needs_input"}


def test_days_are_those_of_the_workspace(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch, zone="Pacific/Auckland")  # 13 hours ahead: 09:00 UTC is 22:00 there.
    week.good_day()
    assert week.facts().counted_from == "2026-11-30"
    week.to(0, 12)  # 01:00 on the first of December there.
    assert week.verdicts() == ["good"]


def test_another_revision_begins_the_count_anew(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    week.good_day()
    week.to(1)
    week.good_day()
    week.to(2)
    assert week.facts().good_days == 2
    week.at.ask(2)
    week.good_day()
    week.to(3)
    facts = week.facts()
    assert (facts.counted_from, facts.good_days, facts.state) == ("2026-12-02", 1, "first_week")
    assert [day.counts for day in facts.days] == [True, False, False]


def test_a_person_may_end_it_with_a_reason(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    with store.write() as session:
        end_by_hand(session, week.ann, week.at.agent_id, environment="production", reason="It replaces a proven one.")
    facts = week.facts()
    assert (facts.state, facts.ended_how, facts.ended_by_name) == ("routine", "ended", "Ann")
    assert facts.ended_reason == "It replaces a proven one."
    with pytest.raises(NotNow), store.write() as session:
        end_by_hand(session, week.ann, week.at.agent_id, environment="production", reason="again")
    with pytest.raises(NotNow):
        week.read([])


def test_the_policy_says_how_many_days_and_whether_they_are_read(store: Store, monkeypatch: pytest.MonkeyPatch):
    policy = "version: 1\nafter: {first_week: {low: {good_days: 1, is_read: false, reason: it only reads}}}\n"
    week = Week(store, monkeypatch, policy=policy)
    week.ran()
    week.to(1)
    assert week.facts().ended_how == "graduated"


def test_less_than_the_shipped_policy_asks_for_wants_a_reason(store: Store, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Malformed, match="Say why"):
        Week(store, monkeypatch, policy="version: 1\nafter: {first_week: {high: {good_days: 1}}}\n")


def test_what_served_long_before_begins_in_routine(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store, 1)
    later = clock.now() + timedelta(days=20)
    with store.write() as session:
        (which,) = unfollowed(session)
        assert begin_follow_up(session, which, later) is not None
        assert begin_follow_up(session, which, later) is None  # Another process was first.
    with store.read() as session:
        facts = follow_up(session, at.ann, at.agent_id, "production")
    assert (facts.state, facts.ended_how) == ("routine", "skipped")
    assert facts.first_review_at is not None


def test_where_it_does_not_serve_production_it_is_not_followed(store: Store):
    at = world(store, 1)
    with store.read() as session, pytest.raises(NotFound):
        follow_up(session, at.ann, at.agent_id, "staging")
