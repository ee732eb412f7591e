"""What a machine measures of one day of the first week, item by item, with the bars of the workspace's policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import mean

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.releases.follow_up.figures import Figures, figures_of
from signoff.releases.follow_up.states import DayItem
from signoff.tables.approvals import Approval
from signoff.tables.follow_ups import FollowUp, FollowUpDay
from signoff.tables.watch import Alert
from signoff.watch.probes.policy import Policy
from signoff.watch.probes.words import counted, lasting

BAD_DAY = "first_week_bad_day"
OVERDUE = "review_overdue"
# Told by this room itself: a day must not be bad because the one before it was.
_OWN = (BAD_DAY, OVERDUE)
# "Stable or declining" allows one run in ten more than on the days before: of ten runs a day that is one.
RISE_POINTS = 10.0
# Between half and double of what is expected is an ordinary day. It is told, and does not decide.
_VOLUME = (0.5, 2.0)
# As long back as tests are looked at for what a run costs and takes.
_TESTS = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What is known of a day when it is judged.

    Attributes:
        earlier: the days counted before it on which something ran.
        tests: the test runs of the revision, for what a run should cost and take where no day came before.
        alerts: how many alerts about the agent are open that were raised until its end.
    """

    figures: Figures
    earlier: Sequence[FollowUpDay]
    tests: Figures
    oldest_request_hours: float | None
    alerts: int
    expected_runs: int | None


def gather(
    session: Session,
    one: FollowUp,
    earlier: Sequence[FollowUpDay],
    *,
    since: datetime,
    until: datetime,
    expected_runs: int | None,
    now: datetime,
) -> DayFacts:
    """Return the facts of the day between two moments."""
    oldest = session.scalar(
        select(func.min(Approval.created_at)).where(
            Approval.agent_id == one.agent_id, Approval.state == "pending", Approval.created_at < until
        )
    )
    alerts = session.scalar(
        select(func.count())
        .select_from(Alert)
        .where(
            Alert.workspace_id == one.workspace_id, Alert.agent_id == one.agent_id, Alert.open_key.is_not(None),
            Alert.opened_at < until, Alert.kind.not_in(_OWN),
        )
    )  # fmt: skip
    return DayFacts(
        figures=figures_of(session, one, since, until),
        earlier=[day for day in earlier if day.runs],
        tests=figures_of(session, one, now - _TESTS, now, origin="test", revision_id=one.revision_id),
        oldest_request_hours=(now - oldest).total_seconds() / 3_600 if oldest is not None else None,
        alerts=int(alerts or 0),
        expected_runs=expected_runs,
    )


def measured_items(facts: DayFacts, policy: Policy) -> list[DayItem]:
    """Return the items of a day that a machine can tell. Pure."""

    def bar(probe: str) -> float:
        return policy.rules[probe].bar

    return [
        _failed(facts, bar("after.error_rate")),
        _needs_input(facts),
        _within("cost", "Cost per run is steady", facts.figures.cost_per_run_usd,
                _usual(facts, "cost_usd", facts.tests.cost_per_run_usd), bar("after.cost"), _money),
        _within("duration", "Runs take no longer", facts.figures.seconds,
                _usual(facts, "seconds", facts.tests.seconds), bar("after.latency"), lasting),
        _answered(facts, bar("after.answered")),
        _quiet(facts),
        _volume(facts),
    ]  # fmt: skip


def read_item(reading: str | None, who: str | None, note: str | None, *, is_read: bool) -> DayItem:
    """Return the item that only a person can tell."""
    wanted = "Three to five outputs were read, and look right." if is_read else "Nobody has to read outputs."
    if reading is None:
        return DayItem("read", "Outputs were read", "missing", "Nobody has said so." if is_read else "", wanted)
    words = f"{who}: {'they look right' if reading == 'right' else 'something is wrong'}. {note or ''}".strip()
    return DayItem("read", "Outputs were read", "true" if reading == "right" else "false", words, wanted)


def _failed(facts: DayFacts, bar: float) -> DayItem:
    share = facts.figures.error_percent
    title, wanted = "Few runs fail", f"Under {bar:g} % of the runs fail."
    if share is None:
        return DayItem("failed", title, "missing", "Nothing ran.", wanted)
    words = f"{facts.figures.errors} of {counted(facts.figures.runs, 'run')} failed ({share:.1f} %)."
    return DayItem("failed", title, "true" if share < bar or share == 0 else "false", words, wanted)


def _needs_input(facts: DayFacts) -> DayItem:
    share = facts.figures.needed_input_percent
    title = "No more need a person"
    wanted = f"Stable or declining: at most {RISE_POINTS:g} points above the days before."
    if share is None:
        return DayItem("needs_input", title, "missing", "Nothing ran.", wanted)
    before = [day.needed_input_percent for day in facts.earlier if day.needed_input_percent is not None]
    if not before:
        return DayItem("needs_input", title, "true", f"{share:.1f} % needed a person, on the first day.", wanted)
    words = f"{share:.1f} % needed a person, {mean(before):.1f} % on the days before."
    return DayItem("needs_input", title, "true" if share <= mean(before) + RISE_POINTS else "false", words, wanted)


def _usual(facts: DayFacts, name: str, in_tests: float | None) -> float | None:
    """Return what a run costs or takes usually: in tests; where there were none, on the days before."""
    if in_tests:
        return in_tests
    before = [value for day in facts.earlier if (value := getattr(day, name)) is not None]
    return mean(before) if before else None


def _within(name: str, title: str, now: float | None, usual: float | None, bar: float, words: object) -> DayItem:
    assert callable(words)  # noqa: S101  # For the type checker.
    wanted = f"At most {bar:g} times the usual."
    if now is None:
        return DayItem(name, title, "missing", "Nothing to measure it by.", wanted)
    if not usual:
        return DayItem(name, title, "true", f"{words(now)} a run, and nothing to compare it with yet.", wanted)
    holds = now <= usual * bar
    return DayItem(name, title, "true" if holds else "false", f"{words(now)} a run, usually {words(usual)}.", wanted)


def _answered(facts: DayFacts, hours: float) -> DayItem:
    title, wanted = "Requests are answered", f"No request waits for longer than {hours:g} hours."
    waited = facts.oldest_request_hours
    if waited is None:
        return DayItem("answered", title, "true", "No request waits.", wanted)
    words = f"The oldest waits for {lasting(waited * 3_600)}."
    return DayItem("answered", title, "true" if waited <= hours else "false", words, wanted)


def _quiet(facts: DayFacts) -> DayItem:
    words = f"{counted(facts.alerts, 'alert')} open." if facts.alerts else "No alert is open."
    return DayItem("alerts", "Nothing is unresolved", "false" if facts.alerts else "true", words,
                   "No alert about the agent is open.")  # fmt: skip


def _volume(facts: DayFacts) -> DayItem:
    title, wanted = "As many runs as expected", "Between half and double; told, and decides nothing."
    runs = counted(facts.figures.runs, "run")
    if facts.expected_runs is None:
        return DayItem("volume", title, "missing", f"{runs}. The policy does not say how many are expected.", wanted)
    low, high = (facts.expected_runs * one for one in _VOLUME)
    is_usual = low <= facts.figures.runs <= high
    words = f"{runs}, {facts.expected_runs} expected" + ("." if is_usual else ": look at what starts it.")
    return DayItem("volume", title, "true" if is_usual else "missing", words, wanted)


def _money(value: float) -> str:
    return f"${value:.4f}".rstrip("0").rstrip(".")
