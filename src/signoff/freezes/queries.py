"""What is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from signoff.freezes.states import Scope
from signoff.kit.paging import Page, decode_cursor, encode_cursor, page_size
from signoff.people.access import Principal, authorize, reach
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent
from signoff.tables.limits import FreezeOrder
from signoff.tables.prepared import Prepared

# Built once: it is asked with every tool call.
_STANDING = Prepared(
    select(*FreezeOrder.__table__.c)
    .where(
        FreezeOrder.workspace_id == bindparam("of_workspace"),
        FreezeOrder.lifted_at.is_(None),
        or_(
            and_(FreezeOrder.scope == "workspace", FreezeOrder.target_id == bindparam("of_workspace")),
            and_(FreezeOrder.scope == "agent", FreezeOrder.target_id == bindparam("of_agent")),
            and_(FreezeOrder.scope == "connection", FreezeOrder.target_id == bindparam("of_connection")),
        ),
    )
    .order_by(FreezeOrder.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Freeze:
    """One order to stop writing. `lifted_at` None means it stands."""

    id: str
    scope: Scope
    target_id: str
    reason: str
    ordered_by_name: str
    ordered_at: datetime
    lifted_at: datetime | None
    lifted_by_name: str | None


def active_freezes(session: Session, viewer: Principal) -> list[Freeze]:
    """Return the standing freezes of the viewer's workspace, newest first.

    Raises:
        NotAllowed: the viewer may not see agents.
    """
    authorize(viewer, "agent.read")
    rows = session.scalars(
        select(FreezeOrder).where(*_visible(viewer), FreezeOrder.lifted_at.is_(None)).order_by(FreezeOrder.id.desc())
    )
    return [_freeze(row) for row in rows]


def freezes_page(
    session: Session, viewer: Principal, *, cursor: str | None = None, size: int | None = None
) -> Page[Freeze]:
    """Return all freezes of the viewer's workspace, standing and lifted, newest first.

    Raises:
        NotAllowed: the viewer may not see agents.
        Malformed: the cursor is not one of this list.
    """
    authorize(viewer, "agent.read")
    wanted = page_size(size)
    statement = select(FreezeOrder).where(*_visible(viewer))
    if cursor is not None:
        statement = statement.where(FreezeOrder.id < str(decode_cursor(cursor, 1)[0]))
    rows = session.scalars(statement.order_by(FreezeOrder.id.desc()).limit(wanted + 1)).all()
    next_cursor = encode_cursor(rows[wanted - 1].id) if len(rows) > wanted else None
    return Page([_freeze(row) for row in rows[:wanted]], next_cursor)


def _visible(viewer: Principal) -> list[ColumnElement[bool]]:
    """A freeze of one agent is shown to whoever may see that agent."""
    here = FreezeOrder.workspace_id == viewer.workspace_id
    if reach(viewer, "agent.read") == "all":
        return [here]
    agents = select(Agent.id).where(*visible_agents(viewer))
    return [here, or_(FreezeOrder.scope != "agent", FreezeOrder.target_id.in_(agents))]


def freeze_on(session: Session, *, workspace_id: str, agent_id: str, connection_id: str | None) -> Freeze | None:
    """Return a standing freeze that forbids this agent to write through this connection. For the tool gateway."""
    of = {"of_workspace": workspace_id, "of_agent": agent_id, "of_connection": connection_id or ""}
    row = _STANDING.first(session, of)
    return _freeze(row) if row is not None else None


def _freeze(row: FreezeOrder | Row[Any]) -> Freeze:
    return Freeze(
        id=row.id,
        scope=cast("Scope", row.scope),
        target_id=row.target_id,
        reason=row.reason,
        ordered_by_name=row.ordered_by_name,
        ordered_at=row.ordered_at,
        lifted_at=row.lifted_at,
        lifted_by_name=row.lifted_by_name,
    )
