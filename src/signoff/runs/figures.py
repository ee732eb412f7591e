"""What the last hours looked like: how many runs, how they ended, how long they took. Every query has a bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.people.access import Principal, authorize, reach
from signoff.runs.filters import visible
from signoff.runs.states import RUN_STATES
from signoff.tables.runs import Run

# Run ids begin with their moment. Cut here, ids of about 17 minutes share a beginning, and the index that is read for
# it holds everything the count needs.
_PREFIX_CHARS = len("run_") + 6
_SLOT = timedelta(milliseconds=32**4)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
DURATIONS_MAX = 1_000
_MANY = 5_000
_KEPT_SECONDS = 15.0
_KEPT_MAX = 200


@dataclass(frozen=True, slots=True)
class Slot:
    """A span of time and how many runs asked for in it are in each state now."""

    start: datetime
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """Return how many runs began here."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Figures:
    """The runs of real work since a moment; test runs are not among them.

    `success_rate` is of those that completed or failed; None when none did. `p95_seconds` is over the newest 1,000
    completed runs at most.
    """

    slots: Sequence[Slot]
    counts: Mapping[str, int]
    p95_seconds: float | None

    @property
    def total(self) -> int:
        """Return how many runs there were."""
        return sum(self.counts.values())

    @property
    def success_rate(self) -> float | None:
        """Return completed runs as a share of those that came to an end by themselves, 0 to 1."""
        ended = self.counts["completed"] + self.counts["failed"]
        return self.counts["completed"] / ended if ended else None


# Only ever replaced whole, so threads need no lock. Nothing is kept of workspaces with few runs.
_kept: dict[tuple[str, str | None, str, timedelta], tuple[float, Figures]] = {}


def figures_since(session: Session, viewer: Principal, since: datetime, until: datetime) -> Figures:
    """Return the figures of the runs asked for between two moments, at most about two days apart.

    Of very many runs they may be 15 seconds old: counting them again for each reader would cost more than it tells.
    """
    authorize(viewer, "run.read")
    scope = viewer.id if reach(viewer, "run.read") != "all" else ""
    key = (viewer.workspace_id, viewer.environment_id, scope, until - since)
    kept = _kept.get(key)
    if kept is not None and clock.monotonic_seconds() - kept[0] < _KEPT_SECONDS:
        return kept[1]
    figures = _count(session, viewer, since, until)
    if figures.total >= _MANY:
        if len(_kept) >= _KEPT_MAX:
            _kept.clear()
        _kept[key] = (clock.monotonic_seconds(), figures)
    return figures


def _count(session: Session, viewer: Principal, since: datetime, until: datetime) -> Figures:
    prefix = func.substr(Run.id, 1, _PREFIX_CHARS)
    rows = session.execute(
        select(prefix, Run.state, func.count())
        # Test runs are looked at in their own list. The index that lists filter by answers this alone.
        .where(*visible(viewer), Run.origin == "production", Run.id >= ids.first_at("run", since))
        .group_by(prefix, Run.state)
    ).all()
    slots = _empty_slots(since, until)
    counts: dict[str, int] = dict.fromkeys(RUN_STATES, 0)
    for beginning, state, number in rows:
        counts[state] += number
        found = slots.get(beginning)
        if found is not None:
            found[state] += number
    drawn = [Slot(_moment(beginning), found) for beginning, found in slots.items()]
    return Figures(drawn, counts, _p95(session, viewer, since))


def _empty_slots(since: datetime, until: datetime) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    moment = since
    while moment < until + _SLOT and len(found) < 200:
        beginning = ids.first_at("run", moment)[:_PREFIX_CHARS]
        if _moment(beginning) <= until:
            found[beginning] = dict.fromkeys(RUN_STATES, 0)
        moment += _SLOT
    return found


def _moment(beginning: str) -> datetime:
    value = 0
    for char in beginning[len("run_") :]:
        value = value * 32 + _ALPHABET.index(char)
    return datetime.fromtimestamp(value * 32**4 / 1000, UTC)


def _p95(session: Session, viewer: Principal, since: datetime) -> float | None:
    rows = session.execute(
        select(Run.started_at, Run.ended_at)
        .where(
            *visible(viewer),
            Run.origin == "production",
            Run.state == "completed",
            Run.id >= ids.first_at("run", since),
        )
        .order_by(Run.id.desc())
        .limit(DURATIONS_MAX)
    )
    seconds = sorted((end - start).total_seconds() for start, end in rows if start is not None and end is not None)
    return seconds[min(int(len(seconds) * 0.95), len(seconds) - 1)] if seconds else None


def open_counts(session: Session, viewer: Principal) -> dict[str, int]:
    """Return how many runs are queued, running and waiting; those that ended are not counted."""
    authorize(viewer, "run.read")
    open_states = ("queued", "running", "waiting")
    rows = session.execute(
        select(Run.state, func.count()).where(*visible(viewer), Run.state.in_(open_states)).group_by(Run.state)
    )
    return {**dict.fromkeys(open_states, 0), **{row[0]: row[1] for row in rows}}
