"""What served here before, newest first: what one may go back to without the gate."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.releases.policy import ROLLBACK_WINDOW
from signoff.releases.views import ServedFacts
from signoff.tables.agents import Revision
from signoff.tables.deployments import Deployment
from signoff.tables.releases import Release

_SWITCHES_READ = 50


def served_before(session: Session, agent_id: str, environment_id: str, live_id: str) -> list[ServedFacts]:
    """Return the last revisions that served here before the one that does, at most three."""
    switches = session.scalars(
        select(Deployment.previous_revision_id)
        .where(Deployment.agent_id == agent_id, Deployment.environment_id == environment_id)
        .order_by(Deployment.id.desc())
        .limit(_SWITCHES_READ)
    )
    ids = list(dict.fromkeys(one for one in switches if one is not None and one != live_id))[:ROLLBACK_WINDOW]
    numbers = {
        row.id: row.number for row in session.execute(select(Revision.id, Revision.number).where(Revision.id.in_(ids)))
    }
    bad = _rolled_back(session, environment_id, ids)
    return [ServedFacts(one, numbers[one], one in bad) for one in ids]


def _rolled_back(session: Session, environment_id: str, ids: list[str]) -> set[str]:
    """Return those whose last release here that reached anybody was taken back."""
    rows = session.execute(
        select(Release.revision_id, Release.state)
        .where(
            Release.revision_id.in_(ids), Release.environment_id == environment_id,
            Release.live_at.is_not(None) | (Release.state == "rolled_back"),
        )
        .order_by(Release.id)
        .limit(1_000)
    )  # fmt: skip
    last: dict[str, str] = {row.revision_id: row.state for row in rows}
    return {one for one, state in last.items() if state == "rolled_back"}
