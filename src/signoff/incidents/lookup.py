"""How an incident is found, and whose it is: the agent's owner and backup, and whoever declared it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotFound
from signoff.people.access import Principal, authorize, reach
from signoff.people.roles import Action
from signoff.people.visible import granted_agents
from signoff.tables.agents import Agent
from signoff.tables.incidents import Incident


def incident_for(
    session: Session, principal: Principal, incident_id: str, action: Action, *, lock: bool = False
) -> Incident:
    """Return the row of an incident the caller may do `action` to. `lock` makes other writers of it wait.

    Raises:
        NotFound: there is none in this workspace, or it is outside the key's environment.
        NotAllowed: the caller may see it, and may not do this.
    """
    # A key that may not do this anywhere is told so before it is told what is there.
    authorize(principal, action)
    wanted = select(Incident).where(Incident.id == incident_id, Incident.workspace_id == principal.workspace_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(wanted)
    if row is None:
        raise NotFound("There is no such incident in this workspace.")
    _allowed(session, principal, row, action)
    return row


def _allowed(session: Session, principal: Principal, row: Incident, action: Action) -> None:
    authorize(
        principal, action, owners=owners_of(session, row), agent_id=row.agent_id, environment_id=row.environment_id
    )


def owners_of(session: Session, row: Incident) -> tuple[str | None, ...]:
    """Return the ids of those whose own it is."""
    if row.agent_id is None:
        return (row.opened_by,)
    found = session.execute(select(Agent.owner_id, Agent.backup_id).where(Agent.id == row.agent_id)).one()
    return (row.opened_by, found.owner_id, found.backup_id)


def seen_by(viewer: Principal) -> list[ColumnElement[bool]]:
    """Return what bounds every list of incidents: by their role all, by a grant those of its agent, as with alerts."""
    bounds: list[ColumnElement[bool]] = [Incident.workspace_id == viewer.workspace_id]
    if viewer.environment_id:
        bounds.append(or_(Incident.environment_id.is_(None), Incident.environment_id == viewer.environment_id))
    if reach(viewer, "alert.read") != "all":
        granted = granted_agents(viewer, "alert.read")
        bounds.append(Incident.agent_id.in_(granted) if granted is not None else false())
    return bounds
