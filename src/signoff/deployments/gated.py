"""Production takes no revision that could do what cannot be undone with nobody asked."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.coverage import ungated
from signoff.agents.revisions import revision_body
from signoff.deployments.refusals import GateMissing
from signoff.tables.agents import Agent, Revision
from signoff.tables.connections import Connection, Tool
from signoff.tables.people import Environment


def ungated_in(session: Session, place: Environment, target: Revision) -> list[str]:
    """Return the irreversible tools that a revision could use in an environment without asking; none outside
    production."""
    if not place.is_production:
        return []
    body = revision_body(session, target.id)
    slots = [slot.slot for slot in body.tools]
    if not slots:
        return []
    rows = session.execute(
        select(Connection.slug, Tool.name, Tool.effect)
        .join(Tool, Tool.connection_id == Connection.id)
        .where(Connection.environment_id == place.id, Connection.slug.in_(slots))
    )
    return ungated(body, {(row.slug, row.name): row.effect for row in rows})


def refuse_ungated(session: Session, agent: Agent, place: Environment, target: Revision) -> None:
    """Return quietly, or refuse to make a revision live.

    Raises:
        GateMissing: `extra["tools"]` names what could be done with nobody asked.
    """
    found = ungated_in(session, place, target)
    if found:
        raise GateMissing(
            f"Revision {target.number} of {agent.slug} may call {', '.join(found[:5])}, which cannot be undone, and no "
            f"gate asks a person first. Add a gate, freeze, and make that revision live in {place.slug}.",
            extra={"tools": found},
        )
