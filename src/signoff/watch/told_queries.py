"""Reads about what people were told by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import Session

from signoff.kit.paging import Page, encode_cursor, page_size, text_cursor
from signoff.people.access import Principal, authorize, reach
from signoff.people.visible import granted_agents
from signoff.tables.agents import Agent
from signoff.tables.notices import NoticeChannel
from signoff.tables.people import Member, Person
from signoff.tables.watch import Notice, NoticeDelivery


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One message.

    Args:
        kind: `run_failed`, `connection_broken`, or the kind of the alert.
        agent: the slug of the agent it is about, if any.
        name: who was told, or the name of the agent's channel; `channel`: through what.
        state: pending, sending, sent, failed, dropped.
    """

    id: str
    kind: str
    agent: str | None
    title: str
    name: str
    channel: str
    state: str
    attempts: int
    last_error: str | None
    due_at: datetime
    made_at: datetime
    ended_at: datetime | None


def notices_page(
    session: Session, viewer: Principal, *, cursor: str | None = None, size: int | None = None
) -> Page[NoticeRow]:
    """Return what people were told by itself, of what the viewer sees the alerts of; newest first.

    Raises:
        NotAllowed: the viewer may not see alerts.
        Malformed: the cursor is not one of this list.
    """
    authorize(viewer, "alert.read")
    statement = (
        select(NoticeDelivery, Notice.kind, Agent.slug, NoticeChannel.name, Person.name)
        .join(Notice, Notice.id == NoticeDelivery.notice_id)
        .outerjoin(Agent, Agent.id == Notice.agent_id)
        .outerjoin(NoticeChannel, NoticeChannel.id == NoticeDelivery.channel_id)
        .outerjoin(Member, Member.id == NoticeDelivery.member_id)
        .outerjoin(Person, Person.id == Member.person_id)
        .where(NoticeDelivery.workspace_id == viewer.workspace_id, _seen(viewer))
    )
    if cursor:
        statement = statement.where(NoticeDelivery.id < text_cursor(cursor))
    count = page_size(size)
    rows = session.execute(statement.order_by(NoticeDelivery.id.desc()).limit(count + 1)).all()
    following = encode_cursor(rows[count - 1][0].id) if len(rows) > count else None
    return Page([_row(*row) for row in rows[:count]], following)


def _seen(viewer: Principal) -> ColumnElement[bool]:
    if reach(viewer, "alert.read") == "all":
        return Notice.workspace_id == viewer.workspace_id
    granted = granted_agents(viewer, "alert.read")
    return Notice.agent_id.in_(granted) if granted is not None else false()


def _row(row: NoticeDelivery, kind: str, agent: str | None, channel: str | None, person: str | None) -> NoticeRow:
    return NoticeRow(
        id=row.id, kind=kind, agent=agent, title=row.title, name=person or channel or "", channel=row.kind,
        state=row.state, attempts=row.attempts, last_error=row.last_error, due_at=row.due_at, made_at=row.made_at,
        ended_at=row.ended_at,
    )  # fmt: skip
