"""Invariants: what a candidate must not do even once, whatever its figures."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Table, or_, select
from sqlalchemy.orm import Session

from signoff.kit import ids
from signoff.tables.releases import Release
from signoff.tables.runs import Step
from signoff.tables.signals import Signal

FORBIDDEN = "a call that is forbidden was tried"
# Of the newest runs of each variant; a release is looked at every minute, so nothing is missed but in a flood.
_RUNS = 2_000
_signals = cast("Table", Signal.__table__)
_steps = cast("Table", Step.__table__)


def breaches(session: Session, release: Release, since: datetime) -> dict[str, int]:
    """Return invariant → in how many runs of the candidate it was breached.

    A call counts that the tool gateway refused because the revision may not make it, or because private data would
    have left: nothing happened, and it is not what anybody released. What the revision that serves tried as well is
    not new, and does not count.
    """
    new = _tried(session, release, since, _signals.c.release_id == release.id, _signals.c.variant == "candidate")
    if not new:
        return {}
    old = _tried(
        session, release, since, _signals.c.agent_id == release.agent_id,
        _signals.c.environment_id == release.environment_id, _signals.c.variant == "live",
    )  # fmt: skip
    runs = {run_id for (run_id, what) in new if what not in {what for _, what in old}}
    return {FORBIDDEN: len(runs)} if runs else {}


def _tried(
    session: Session, release: Release, since: datetime, *whose: ColumnElement[bool]
) -> set[tuple[str, tuple[str, str]]]:
    newest = (
        select(_signals.c.run_id)
        .where(*whose, _signals.c.run_id >= ids.first_at("run", since), _signals.c.origin == "production")
        .order_by(_signals.c.run_id.desc())
        .limit(_RUNS)
        .subquery()
    )
    rows = session.execute(
        select(_steps.c.run_id, _steps.c.name, _steps.c.code)
        .join(newest, newest.c.run_id == _steps.c.run_id)
        .where(
            _steps.c.workspace_id == release.workspace_id,
            _steps.c.kind == "tool",
            _steps.c.state == "refused",
            or_(_steps.c.code == "not_granted", _steps.c.code.startswith("flow_", autoescape=True)),
        )
        .limit(_RUNS)
    )
    return {(row.run_id, (row.name, row.code)) for row in rows}
