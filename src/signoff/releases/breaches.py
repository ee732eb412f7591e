"""Invariants: what a candidate must not do even once, whatever its figures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, or_, select
from sqlalchemy.orm import Session

from signoff.kit import ids
from signoff.tables.releases import Release
from signoff.tables.runs import Run, Step
from signoff.tables.signals import Leak, Signal

FORBIDDEN = "a call that is forbidden was tried"
LEAKED = "the value of a secret was seen where it must not be"
# What one run did of it: what was tried where. The same by the revision that serves is nothing new.
Deed = tuple[str, str]
# Of the newest runs of each variant; a release is looked at every minute, so nothing is missed but in a flood.
_RUNS = 2_000
# So far back what served is looked at: a call it makes once a week is not the candidate's invention.
_BEFORE = timedelta(days=7)
_signals = cast("Table", Signal.__table__)
_steps = cast("Table", Step.__table__)


def breaches(session: Session, release: Release, since: datetime) -> dict[str, int]:
    """Return invariant → in how many runs of the candidate it was breached.

    A forbidden call is one that the tool gateway refused because the revision may not make it, because private data
    would have left, or because it wanted a secret it was not given: nothing happened, and it is not what anybody
    released. A leaked secret is one whose value was caught, and masked, in a prompt, a model's answer, or the arguments
    or the result of a call. What the revision that served before did as well is not new, and does not count.
    """
    found = {
        FORBIDDEN: _forbidden(session, release, since),
        LEAKED: _leaked(session, release, since),
    }
    return {name: runs for name, runs in found.items() if runs}


def _forbidden(session: Session, release: Release, since: datetime) -> int:
    new = _tried(session, since, _signals.c.release_id == release.id, *_of_candidate(_signals.c.variant))
    if not new:
        return 0
    old = _tried(
        session, since - _BEFORE, _signals.c.agent_id == release.agent_id, _signals.c.variant == "live",
        _signals.c.environment_id == release.environment_id, _of_others(_signals.c.release_id, release),
    )  # fmt: skip
    return _runs_with(new, old)


def _leaked(session: Session, release: Release, since: datetime) -> int:
    new = _caught(session, release, since, Run.release_id == release.id, *_of_candidate(Run.variant))
    if not new:
        return 0
    old = _caught(session, release, since - _BEFORE, _of_others(Run.release_id, release), Run.variant == "live")
    return _runs_with(new, old)


def _runs_with(new: set[tuple[str, Deed]], old: set[tuple[str, Deed]]) -> int:
    known = {what for _, what in old}
    return len({run_id for run_id, what in new if what not in known})


def _of_candidate(variant: Any) -> tuple[ColumnElement[bool], ...]:
    """A run of the release itself: as its candidate, as its shadow, or since it serves; a pinned one was asked for."""
    return (variant.in_(("candidate", "shadow", "live")),)


def _of_others(release_id: Any, release: Release) -> ColumnElement[bool]:
    return or_(release_id.is_(None), release_id != release.id)


def _tried(session: Session, since: datetime, *whose: ColumnElement[bool]) -> set[tuple[str, Deed]]:
    newest = (
        select(_signals.c.run_id)
        .where(*whose, _signals.c.run_id >= ids.first_at("run", since), *_real(_signals.c.origin, _signals.c.variant))
        .order_by(_signals.c.run_id.desc())
        .limit(_RUNS)
        .subquery()
    )
    rows = session.execute(
        select(_steps.c.run_id, _steps.c.name, _steps.c.code)
        .join(newest, newest.c.run_id == _steps.c.run_id)
        .where(
            _steps.c.kind == "tool",
            or_(
                (_steps.c.state == "refused")
                & or_(_steps.c.code == "not_granted", _steps.c.code.startswith("flow_", autoescape=True)),
                _steps.c.code.in_(("secret_not_listed", "secret_not_granted")),
            ),
        )
        .limit(_RUNS)
    )
    return {(row.run_id, (row.name, row.code)) for row in rows}


def _caught(session: Session, release: Release, since: datetime, *whose: ColumnElement[bool]) -> set[tuple[str, Deed]]:
    """Of runs that go on as well: what was caught is told in the transaction of its step."""
    rows = session.execute(
        select(Leak.run_id, Leak.place, Leak.what, Leak.secret)
        .join(Run, Run.id == Leak.run_id)
        .where(
            Leak.agent_id == release.agent_id, Leak.environment_id == release.environment_id, Leak.at >= since,
            *whose, *_real(Run.origin, Run.variant),
        )
        .order_by(Leak.at.desc())
        .limit(_RUNS)
    )  # fmt: skip
    # A model of another name is the same place; a tool is not.
    return {
        (row.run_id, (row.place if row.place in ("prompt", "answer") else f"{row.place} {row.what}", row.secret))
        for row in rows
    }


def _real(origin: Any, variant: Any) -> tuple[ColumnElement[bool]]:
    """Tests that people make do not count; a shadow's rehearsals do, where a shadow is what is looked at."""
    return (or_(origin == "production", variant == "shadow"),)
