"""What served, what was tried in the shadow, who signed, and how going back was drilled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import Deployment, LiveRevision
from signoff.tables.people import Environment
from signoff.tables.releases import Drill, Release, ReleaseSignature, ShadowPair
from signoff.watch.probes.facts import DrillFact, Served, ShadowFact

_SWITCHES_MAX = 500
_DAYS_MAX = 400
_PLACES_MAX = 200


def served(session: Session, agent: Agent, place: Environment, revision_id: str) -> Served:
    """Return what serves an environment, what did before, and where this revision was staged."""
    places = {
        row.id: row
        for row in session.execute(
            select(Environment.id, Environment.slug, Environment.is_production)
            .where(Environment.workspace_id == agent.workspace_id)
            .limit(_PLACES_MAX)
        )
    }
    live = session.execute(
        select(LiveRevision.environment_id, LiveRevision.revision_id, LiveRevision.changed_at, Revision.number)
        .join(Revision, Revision.id == LiveRevision.revision_id)
        .where(LiveRevision.agent_id == agent.id)
    ).all()
    switches = session.execute(
        select(Deployment.environment_id, Deployment.revision_id, Revision.number, Deployment.previous_revision_id)
        .outerjoin(Revision, Revision.id == Deployment.previous_revision_id)
        .where(Deployment.agent_id == agent.id)
        .order_by(Deployment.id.desc())
        .limit(_SWITCHES_MAX)
    ).all()
    here = next((row for row in live if row.environment_id == place.id), None)
    earlier = [
        row.number
        for row in switches
        if row.environment_id == place.id and row.number and (here is None or row.number != here.number)
    ]
    was_in = {row.environment_id for row in (*live, *switches) if row.revision_id == revision_id}
    was_in |= {row.environment_id for row in switches if row.previous_revision_id == revision_id}
    staging = {row.id for row in places.values() if not row.is_production}
    return Served(
        live_revision_id=here.revision_id if here else None,
        live_number=here.number if here else None,
        live_at=here.changed_at if here else None,
        earlier=tuple(dict.fromkeys(earlier)),
        staged_in=tuple(sorted(places[one].slug for one in was_in & staging)),
        has_staging=bool(staging),
    )


def last_drill(session: Session, agent_id: str, environment_id: str) -> DrillFact | None:
    """Return the last exercise of going back."""
    row = session.scalar(
        select(Drill)
        .where(Drill.agent_id == agent_id, Drill.environment_id == environment_id)
        .order_by(Drill.id.desc())
        .limit(1)
    )
    return DrillFact(row.milliseconds / 1_000, row.is_passed, row.at) if row is not None else None


def shadow_of(session: Session, agent_id: str, environment_id: str, revision_id: str) -> ShadowFact:
    """Return what the revision would have answered here, over all its releases."""
    differs = ShadowPair.is_equal.is_(False)
    counts = case((differs, 1), else_=0)
    day = func.date(ShadowPair.made_at)
    rows: Sequence[Any] = session.execute(
        select(
            day,
            func.count(),
            func.sum(counts),
            func.sum(case((and_(differs, ShadowPair.judgement.is_(None)), 1), else_=0)),
            func.sum(case((ShadowPair.judgement == "worse", 1), else_=0)),
            func.max(ShadowPair.compared_at),
        )
        .join(Release, Release.id == ShadowPair.release_id)
        .where(
            Release.agent_id == agent_id,
            Release.environment_id == environment_id,
            Release.revision_id == revision_id,
            ShadowPair.state == "compared",
        )
        .group_by(day)
        .order_by(day.desc())
        .limit(_DAYS_MAX)
    ).all()
    if not rows:
        return ShadowFact()
    newest = max((row[5] for row in rows if row[5] is not None), default=None)
    sums = [sum(int(row[at] or 0) for row in rows) for at in (1, 2, 3, 4)]
    return ShadowFact(len(rows), sums[0], sums[1], sums[2], sums[3], newest)


def state_under_way(session: Session, agent_id: str, environment_id: str, revision_id: str) -> str | None:
    """Return the state of the revision's release that is under way here; None when none is."""
    open_key = f"{agent_id}:{environment_id}"
    return session.scalar(select(Release.state).where(Release.open_key == open_key, Release.revision_id == revision_id))


def signatures(
    session: Session, agent_id: str, environment_id: str, revision_id: str
) -> tuple[frozenset[str], datetime | None]:
    """Return who approved the revision's present release here after reading its diff, and when the last one did."""
    rows = session.execute(
        select(ReleaseSignature.member_id, ReleaseSignature.at)
        .join(Release, Release.id == ReleaseSignature.release_id)
        .where(
            Release.agent_id == agent_id,
            Release.environment_id == environment_id,
            Release.revision_id == revision_id,
            or_(Release.open_key.is_not(None), Release.state == "settled"),
            ReleaseSignature.verdict == "approve",
        )
    ).all()
    return frozenset(row.member_id for row in rows), max((row.at for row in rows), default=None)
