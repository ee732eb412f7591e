"""What this room tells of the time after a release: plain facts, no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signoff.releases.follow_up.states import DayVerdict, EndedHow, FollowUpState, Reading, ReviewKind


@dataclass(frozen=True, slots=True)
class DayFacts:
    """One day of a first week. `verdict` None: it goes on, or somebody may still say that its outputs are right.

    Args:
        items: the checklist, each item with its status and what was measured.
        counts: it is of the revision whose days are counted.
        good_days: how many good days in a row there were with it.
    """

    day: str
    verdict: DayVerdict | None
    counts: bool
    items: list[dict[str, Any]]
    runs: int
    good_days: int
    judged_at: datetime | None
    reading: Reading | None
    read_runs: list[str]
    read_note: str | None
    read_by_name: str | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class SampleRun:
    """A completed run whose output one may read."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class ToRead:
    """A day of which somebody may say what its outputs are like: some runs of it, at most five."""

    day: str
    completed: int
    runs: tuple[SampleRun, ...]
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class FollowUpFacts:
    """How an agent is followed in a production environment.

    Args:
        good_days, good_days_wanted: in a row, so far and to graduate.
        ended_how, ended_reason, ended_by_name: how its first week ended; None while it goes on.
        first_review_at, next_review_at: when the great review and the small one are made; None: it was, or not yet.
        to_read: days of which somebody may say what their outputs are like. can_act: whether the viewer may.
    """

    id: str
    agent_id: str
    agent_slug: str
    environment: str
    state: FollowUpState
    state_since: datetime
    tier: str
    live_at: datetime
    counted_from: str
    good_days: int
    good_days_wanted: int
    is_read: bool
    ended_how: EndedHow | None
    ended_reason: str | None
    ended_by_name: str | None
    first_review_at: datetime | None
    next_review_at: datetime | None
    days: tuple[DayFacts, ...]
    to_read: tuple[ToRead, ...]
    can_act: bool


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """A review: what is looked back on, with the figures as they were when it was made.

    Args:
        kind: `first`, once it has served for a month; or `weekly`.
        metrics: figures of the period, and `before`: what to compare them with.
        is_overdue: it should have been done by now.
    """

    id: str
    agent_id: str
    agent_slug: str
    agent_name: str
    environment: str
    kind: ReviewKind
    period_from: datetime
    period_until: datetime
    metrics: dict[str, Any]
    assigned_to: str | None
    assigned_to_name: str | None
    made_at: datetime
    due_at: datetime
    is_overdue: bool
    note: str | None
    done_by_name: str | None
    done_at: datetime | None
