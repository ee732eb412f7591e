"""How many things wait for a person, for the numbers beside the navigation."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.approvals.queries import mine_count
from signoff.incidents.queries import under_way_count
from signoff.people.access import Principal, can
from signoff.runs.queries import attention_count, open_effects_count
from signoff.tables.connections import Connection


def counts_for(session: Session, viewer: Principal) -> dict[str, int]:
    """Return navigation key → how many need somebody; what the viewer may not see is left out."""
    counts: dict[str, int] = {}
    if can(viewer, "approval.decide"):
        counts["inbox"] = mine_count(session, viewer)
    if can(viewer, "run.read"):
        counts["runs"] = attention_count(session, viewer)
    if can(viewer, "effect.read"):
        counts["reconciliation"] = open_effects_count(session, viewer)
    if can(viewer, "connection.read"):
        counts["connections"] = _broken_connections(session, viewer)
    if can(viewer, "alert.read"):
        counts["incidents"] = under_way_count(session, viewer)
    return counts


def _broken_connections(session: Session, viewer: Principal) -> int:
    found = session.scalar(
        select(func.count())
        .select_from(Connection)
        .where(
            Connection.workspace_id == viewer.workspace_id, Connection.state == "active", Connection.health == "broken"
        )
    )
    return found or 0
