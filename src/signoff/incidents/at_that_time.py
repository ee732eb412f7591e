"""What was so when an incident began: which revision served by which release, and which runs had failed by then."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.deployments.served_at import served_at
from signoff.kit import ids
from signoff.tables.deployments import LiveRevision
from signoff.tables.evaluations import Evaluation
from signoff.tables.incidents import Incident
from signoff.tables.people import Environment
from signoff.tables.runs import Run

# What failed so long before it was seen may belong to it.
BEFORE = timedelta(hours=1)
GATHERED_MAX = 50


def note_what_served(session: Session, row: Incident) -> None:
    """Keep with the incident what served its agent when it began."""
    if row.agent_id is None or row.environment_id is None:
        return
    served = served_at(session, row.agent_id, row.environment_id, row.began_at)
    if served is not None:
        row.revision_id, row.release_id = served.revision_id, served.release_id
        row.evaluation_id = _evaluated_by_then(session, served.revision_id, row.began_at)
    live = session.get(LiveRevision, (row.agent_id, row.environment_id))
    if live is not None and live.candidate_release_id is not None:
        row.candidate_release_id = live.candidate_release_id


def _evaluated_by_then(session: Session, revision_id: str, moment: datetime) -> str | None:
    """Return the last evaluation of a revision that was over by then."""
    wanted = select(Evaluation.id).where(
        Evaluation.revision_id == revision_id, Evaluation.state == "completed", Evaluation.draft_version.is_(None),
        Evaluation.ended_at <= moment,
    )  # fmt: skip
    return session.scalar(wanted.order_by(Evaluation.id.desc()).limit(1))


def production_of(session: Session, workspace_id: str) -> str | None:
    """Return the environment that is meant when nobody says which: the first production."""
    wanted = select(Environment.id).where(Environment.workspace_id == workspace_id, Environment.is_production.is_(True))
    return session.scalar(wanted.order_by(Environment.position, Environment.id).limit(1))


def failing_runs(session: Session, row: Incident, until: datetime, *bounds: object) -> list[str]:
    """Return runs of real work that failed around its beginning and since, the newest first; none where it is about no
    agent.

    Args:
        bounds: further conditions, such as what a viewer may see.
    """
    if row.agent_id is None:
        return []
    wanted = select(Run.id).where(
        Run.agent_id == row.agent_id,
        Run.state == "failed",
        Run.origin == "production",
        Run.mode == "live",
        Run.id >= ids.first_at("run", row.began_at - BEFORE),
        Run.id < ids.first_at("run", until),
        *bounds,  # pyright: ignore[reportArgumentType]
    )
    if row.environment_id is not None:
        wanted = wanted.where(Run.environment_id == row.environment_id)
    return list(session.scalars(wanted.order_by(Run.id.desc()).limit(GATHERED_MAX)))
