"""What served an agent somewhere at a moment that is past: for whoever looks back at what went wrong then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.tables.deployments import Deployment, LiveRevision


@dataclass(frozen=True, slots=True)
class Served:
    """What served. `release_id` None: it served as the first, without a release."""

    revision_id: str
    release_id: str | None


def served_at(session: Session, agent_id: str, environment_id: str, moment: datetime) -> Served | None:
    """Return what served then; None when nothing did yet. For rooms: it asks nobody's rights."""
    here = (Deployment.agent_id == agent_id, Deployment.environment_id == environment_id)
    switch = session.execute(
        select(Deployment.revision_id, Deployment.release_id)
        .where(*here, Deployment.created_at <= moment)
        .order_by(Deployment.id.desc())
        .limit(1)
    ).one_or_none()
    if switch is not None:
        return Served(switch.revision_id, switch.release_id)
    later = session.execute(
        select(Deployment.previous_revision_id).where(*here).order_by(Deployment.id).limit(1)
    ).one_or_none()
    if later is not None:
        return Served(later.previous_revision_id, None) if later.previous_revision_id else None
    live = session.get(LiveRevision, (agent_id, environment_id))
    return Served(live.revision_id, live.release_id) if live is not None and live.changed_at <= moment else None
