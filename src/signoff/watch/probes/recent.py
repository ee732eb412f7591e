"""The runs that probes look at. The one place that says where their facts come from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from signoff.tables.runs import Run
from signoff.watch.probes.facts import RunFact

RUNS_MAX = 500
_COLUMNS = (
    Run.id, Run.revision_id, Run.environment_id, Run.state, Run.origin, Run.source, Run.mode, Run.code,
    Run.needs_attention, Run.is_scripted, Run.waiting_for, Run.cost_usd, Run.created_at, Run.started_at, Run.ended_at,
)  # fmt: skip


def recent_runs(
    session: Session,
    *,
    agent_id: str | None = None,
    environment_id: str | None = None,
    revision_id: str | None = None,
    since: datetime | None = None,
    size: int = RUNS_MAX,
) -> list[RunFact]:
    """Return runs, the newest first, at most `size`: of a revision anywhere, or of an agent in an environment."""
    wanted: list[Any] = []
    if revision_id is not None:
        wanted.append(Run.revision_id == revision_id)
    if agent_id is not None:
        wanted.append(Run.agent_id == agent_id)
    if environment_id is not None:
        wanted.append(Run.environment_id == environment_id)
    if since is not None:
        wanted.append(Run.created_at >= since)
    # Whether there is an output, without fetching what may be long. None is kept as the JSON text `null`.
    has_output = (func.coalesce(cast(Run.output, String), "null") != "null").label("has_output")
    rows = session.execute(select(*_COLUMNS, has_output).where(*wanted).order_by(Run.id.desc()).limit(size))
    return [RunFact(*row) for row in rows]
