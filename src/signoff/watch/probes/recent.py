"""The runs that probes look at. The one place that says where their facts come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, func, select, union_all
from sqlalchemy.orm import Session

from signoff.kit import ids
from signoff.runs.filters import NO_REHEARSAL
from signoff.tables.people import Environment
from signoff.tables.runs import Run
from signoff.watch.probes.facts import RunFact

# Of each place and each way of running a revision by itself, so that many of one kind hide none of another: days in the
# shadow make thousands of runs, and the three that were tried in staging before still count.
RUNS_MAX = 500
REPLAYS_MAX = 50
UNSEEN_MAX = 200
_PLACES_MAX = 50
_COLUMNS = (
    Run.id, Run.revision_id, Run.environment_id, Run.state, Run.origin, Run.source, Run.mode, Run.code,
    Run.needs_attention, Run.is_scripted, Run.waiting_for, Run.cost_usd, Run.created_at, Run.started_at, Run.ended_at,
)  # fmt: skip


_MODES = (("live", RUNS_MAX), ("sandbox", RUNS_MAX), ("replay", REPLAYS_MAX))


def runs_of_revision(session: Session, workspace_id: str, revision_id: str) -> list[RunFact]:
    """Return the runs of a revision, the newest first: of each environment and each mode the newest, and every failure
    that nobody has looked at. Rehearsals are left out: they act on nothing, and are compared elsewhere."""
    places = session.scalars(
        select(Environment.id)
        .where(Environment.workspace_id == workspace_id)
        .order_by(Environment.position, Environment.id)
        .limit(_PLACES_MAX)
    ).all()
    newest = [
        _newest(_wanted(Run.revision_id == revision_id, Run.environment_id == place, Run.mode == mode), most)
        for place in places
        for mode, most in _MODES
    ]
    of_it = (Run.workspace_id == workspace_id, Run.revision_id == revision_id)
    unseen = _wanted(*of_it, Run.needs_attention.is_(True), Run.state == "failed", Run.mode == "live")
    rows = session.execute(union_all(*newest, _newest(unseen, UNSEEN_MAX)))
    found = {row.id: RunFact(*row) for row in rows}
    return [found[one] for one in sorted(found, reverse=True)]


def runs_here(
    session: Session, agent_id: str, environment_id: str, *, since: datetime, size: int = RUNS_MAX
) -> list[RunFact]:
    """Return the runs of an agent in an environment, of any revision, the newest first; no rehearsals."""
    here = (Run.agent_id == agent_id, Run.environment_id == environment_id, NO_REHEARSAL)
    young = (Run.id >= ids.first_at("run", since), Run.created_at >= since)
    rows = session.execute(_wanted(*here, *young).order_by(Run.id.desc()).limit(size))
    return [RunFact(*row) for row in rows]


def busiest_day(
    session: Session, agent_id: str, environment_id: str, *, days: int, zone: tzinfo, now: datetime
) -> int | None:
    """Return how many real runs of an agent were asked for in an environment on its busiest day; None when none was."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    # By the wall clock of the zone, so a day at the change of the clock has 23 or 25 hours.
    begins = [today - timedelta(days=ago) for ago in range(days, -2, -1)]
    counts: Sequence[Any] = [
        func.sum(case(((Run.created_at >= first) & (Run.created_at < then), 1), else_=0))
        for first, then in pairwise(begins)
    ]
    row = session.execute(
        select(*counts).where(
            Run.agent_id == agent_id, Run.environment_id == environment_id, Run.origin == "production",
            Run.id >= ids.first_at("run", begins[0]),
        )
    ).one()  # fmt: skip
    return max((int(count or 0) for count in row), default=0) or None


def _wanted(*where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    # Whether there is an output, without fetching what may be long. None is kept as the JSON text `null`.
    has_output = (func.coalesce(cast(Run.output, String), "null") != "null").label("has_output")
    return select(*_COLUMNS, has_output).where(*where)


def _newest(wanted: Select[*tuple[Any, ...]], most: int) -> Select[*tuple[Any, ...]]:
    return select(wanted.order_by(Run.id.desc()).limit(most).subquery())
