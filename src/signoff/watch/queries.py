"""What needs someone's eyes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.kit.paging import Page, decode_cursor, encode_cursor, page_size
from signoff.people.access import Principal, authorize, reach
from signoff.people.visible import granted_agents
from signoff.tables.agents import Agent
from signoff.tables.watch import Alert

OPEN_MAX = 200


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert. `resolved_at` None means it is open; `agent` is the slug of the one agent it is about, if any."""

    id: str
    key: str | None
    kind: str
    text: str
    detail: dict[str, Any]
    occurrences: int
    opened_at: datetime
    last_at: datetime
    resolved_at: datetime | None
    resolved_by_name: str | None
    agent: str | None = None


def open_alerts(
    session: Session, viewer: Principal, *, agent: str | None = None, size: int = OPEN_MAX
) -> list[AlertRow]:
    """Return the open alerts that the viewer sees, newest first, at most `size`.

    Args:
        agent: id or slug: only those about this agent.

    Raises:
        NotAllowed: the viewer may not see alerts.
        NotFound: there is no such agent.
    """
    authorize(viewer, "alert.read")
    statement = _about(session, viewer, agent).where(Alert.open_key.is_not(None))
    rows = session.execute(statement.order_by(Alert.id.desc()).limit(size))
    return [_row(alert, slug) for alert, slug in rows]


def open_alert_count(session: Session, viewer: Principal, *, agent: str | None = None) -> int:
    """Return how many alerts that the viewer sees are open.

    Args:
        agent: id or slug: only those about this agent.

    Raises:
        NotAllowed: the viewer may not see alerts.
        NotFound: there is no such agent.
    """
    authorize(viewer, "alert.read")
    statement = select(func.count()).select_from(Alert).where(*_seen(viewer), Alert.open_key.is_not(None))
    if agent:
        statement = statement.where(Alert.agent_id == agent_for(session, viewer, agent, "agent.read").id)
    return session.scalar(statement) or 0


def alerts_page(
    session: Session,
    viewer: Principal,
    *,
    cursor: str | None = None,
    size: int | None = None,
    agent: str | None = None,
) -> Page[AlertRow]:
    """Return all alerts that the viewer sees, open and resolved, newest first.

    Args:
        agent: id or slug: only those about this agent.

    Raises:
        NotAllowed: the viewer may not see alerts.
        NotFound: there is no such agent.
        Malformed: the cursor is not one of this list.
    """
    authorize(viewer, "alert.read")
    wanted = page_size(size)
    statement = _about(session, viewer, agent)
    if cursor is not None:
        statement = statement.where(Alert.id < str(decode_cursor(cursor, 1)[0]))
    rows = session.execute(statement.order_by(Alert.id.desc()).limit(wanted + 1)).all()
    next_cursor = encode_cursor(rows[wanted - 1][0].id) if len(rows) > wanted else None
    return Page([_row(alert, slug) for alert, slug in rows[:wanted]], next_cursor)


def _about(session: Session, viewer: Principal, agent: str | None) -> Select[Alert, str | None]:
    """Return the alerts of the viewer's workspace with the slug of their agent; those about one, if one is named."""
    slug = cast("Any", Agent.slug)  # Null where there is no agent.
    statement = select(Alert, slug).outerjoin(Agent, Agent.id == Alert.agent_id)
    statement = statement.where(*_seen(viewer))
    if agent is None:
        return statement
    return statement.where(Alert.agent_id == agent_for(session, viewer, agent, "agent.read").id)


def _seen(viewer: Principal) -> list[ColumnElement[bool]]:
    """Return what bounds the alerts a viewer sees: by their role all, by a grant those of its agent."""
    here = Alert.workspace_id == viewer.workspace_id
    if reach(viewer, "alert.read") == "all":
        return [here]
    granted = granted_agents(viewer, "alert.read")
    return [here, Alert.agent_id.in_(granted) if granted is not None else false()]


def _row(alert: Alert, agent: str | None) -> AlertRow:
    return AlertRow(
        id=alert.id,
        key=alert.open_key,
        kind=alert.kind,
        text=alert.text,
        detail=alert.detail,
        occurrences=alert.occurrences,
        opened_at=alert.opened_at,
        last_at=alert.last_at,
        resolved_at=alert.resolved_at,
        resolved_by_name=alert.resolved_by_name,
        agent=agent,
    )
