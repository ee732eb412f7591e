"""Messages of notices: to whom, through which channel, and what became of each.

Planned in one transaction, taken in a second, sent outside of any, and the end noted in a third; a message whose end
could not be noted is sent again rather than not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from signoff.approvals.absences import standing_in
from signoff.approvals.pacing import goes_out_at
from signoff.approvals.parcels import Parcel, active_person, target_of
from signoff.connections.live_use import live_use
from signoff.connections.vault import Vault
from signoff.connectors.notices.bodies import Notice as Told
from signoff.kit import clock, ids
from signoff.kit.errors import NotFound
from signoff.kit.text import shortened, storable
from signoff.people.access import can, system
from signoff.people.membership import principals_of
from signoff.people.roles import ADMINISTRATORS
from signoff.record import outbox
from signoff.record.alarms import CONNECTION_BROKEN, RUN_FAILED
from signoff.tables.agents import Agent
from signoff.tables.notices import NoticeChannel
from signoff.tables.ownership import AgentOwner
from signoff.tables.people import Member, Person
from signoff.tables.upsert import insert_into
from signoff.tables.watch import Notice, NoticeDelivery

DELIVER = "notice.deliver"
ATTEMPTS_MAX = 12
KEPT = timedelta(days=30)
_BACKOFF_SECONDS, _BACKOFF_SECONDS_MAX = 10.0, 3_600.0
_TOLD_MAX = 20
_AGENTS_MAX = 20
_UNDER_WAY = ("pending", "sending")
_FORGET_MAX = 500


def whom(session: Session, row: Notice) -> list[str]:
    """Return which members are told: who owns and operates the agent; failing them its backup; failing them, and of
    what is about no agent, the administrators. Of a connection, who answers for the agents that use it as well. In the
    place of one who is away, who stands in."""
    members = _first(session, row, _circles(row.agent_id))
    if row.kind == CONNECTION_BROKEN:
        for agent_id in users_of(session, row)[:_AGENTS_MAX]:
            members += _first(session, row, _circles(agent_id)[:-1])
    stand_in = standing_in(session, row.workspace_id, members) if members else {}
    return list(dict.fromkeys(stand_in.get(one, one) for one in members))[:_TOLD_MAX]


def users_of(session: Session, row: Notice) -> list[str]:
    """Return the agents that serve through the connection a notice is about; none when it is gone."""
    try:
        return [one.agent_id for one in live_use(session, system(row.workspace_id), row.about)]
    except NotFound:
        return []


def add_messages(
    session: Session, row: Notice, members: Sequence[str], *, title: str, text: str, path: str, has_mail: bool
) -> None:
    """Plan one telling: through the channels of these members and of the agent, by mail to whom has none."""
    ways: list[ColumnElement[bool]] = [NoticeChannel.member_id.in_(list(members))]
    if row.agent_id is not None:
        ways.append(NoticeChannel.agent_id == row.agent_id)
    channels = session.scalars(
        select(NoticeChannel)
        .where(NoticeChannel.workspace_id == row.workspace_id, or_(*ways))
        .order_by(NoticeChannel.id)
    ).all()
    said = {"title": title, "text": text, "path": path}
    for channel in channels:
        _add(session, row, channel.kind, channel, channel.member_id, said)
    have = {channel.member_id for channel in channels}
    for one in members:
        if has_mail and one not in have:
            _add(session, row, "mail", None, one, said)


def take(session: Session, vault: Vault, delivery_id: str, *, address: str) -> Parcel | None:
    """Take a message and return what is to be sent; None when there is nothing to send (any more)."""
    row = session.scalar(
        select(NoticeDelivery)
        .where(NoticeDelivery.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or row.state not in _UNDER_WAY:
        return None
    person = active_person(session, row.member_id)
    target = target_of(session, vault, row, person)
    if target is None:
        _end(row, "dropped", "The channel, or the member, is gone; or its address does not open any more.")
        return None
    row.state, row.attempts = "sending", row.attempts + 1
    session.flush()
    notice = session.get_one(Notice, row.notice_id)
    link = f"{address}{row.path}"
    if row.kind == "mail":
        hello = f"Hello {person.name},\n\n" if person is not None else ""
        return Parcel((row.id,), "mail", target, (), row.title, f"{hello}{row.text}\n\n{link}\n")
    agent = session.scalar(select(Agent.name).where(Agent.id == notice.agent_id)) if notice.agent_id else None
    run = notice.about if notice.kind == RUN_FAILED else ""
    told = Told(
        about=notice.id, event=notice.kind, title=row.title, text=row.text, link=link, agent=agent or "", run=run,
        about_kind="notice",
    )  # fmt: skip
    return Parcel((row.id,), row.kind, target, (told,))


def note_sent(session: Session, delivery_id: str) -> None:
    """Note that a message was taken by its service."""
    for row in _sending(session, delivery_id):
        _end(row, "sent", None)
    session.flush()


def note_not_sent(session: Session, delivery_id: str, error: str, *, is_worth_another: bool) -> None:
    """Note why a message was not taken. It is tried again, later each time, while that may help."""
    for row in _sending(session, delivery_id):
        row.last_error = shortened(storable(error), 1_000)
        if not is_worth_another or row.attempts >= ATTEMPTS_MAX:
            _end(row, "failed", row.last_error)
            continue
        pause = min(_BACKOFF_SECONDS * 2 ** (row.attempts - 1), _BACKOFF_SECONDS_MAX)
        row.due_at = clock.now() + timedelta(seconds=pause)
        _send(session, row)
    session.flush()


def forget(session: Session) -> int:
    """Let go of some messages and matters that are long past. Returns how many."""
    past = clock.now() - KEPT
    messages = list(session.scalars(select(NoticeDelivery.id).where(NoticeDelivery.made_at < past).limit(_FORGET_MAX)))
    if messages:
        session.execute(delete(NoticeDelivery).where(NoticeDelivery.id.in_(messages)))
    left = select(NoticeDelivery.id).where(NoticeDelivery.notice_id == Notice.id)
    matters = list(session.scalars(select(Notice.id).where(Notice.last_at < past, ~left.exists()).limit(_FORGET_MAX)))
    if matters:
        session.execute(delete(Notice).where(Notice.id.in_(matters)))
    return len(messages) + len(matters)


def _first(session: Session, row: Notice, circles: Sequence[Any]) -> list[str]:
    """Return the members of the first circle that has any."""
    for one in circles:
        if members := _fit(session, row, one):
            return members
    return []


def _circles(agent_id: str | None) -> list[Any]:
    """Return who is looked for, one after the other: each a condition on members."""
    administrators = Member.role.in_(ADMINISTRATORS)
    if agent_id is None:
        return [administrators]
    seated = select(AgentOwner.member_id).where(
        AgentOwner.agent_id == agent_id, AgentOwner.kind == "operations", AgentOwner.state == "accepted"
    )
    owner = select(Agent.owner_id).where(Agent.id == agent_id, Agent.owner_id.is_not(None))
    backup = select(Agent.backup_id).where(Agent.id == agent_id, Agent.backup_id.is_not(None))
    return [Member.id.in_(seated.union(owner)), Member.id.in_(backup), administrators]


def _fit(session: Session, row: Notice, condition: ColumnElement[bool]) -> list[str]:
    rows = session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(Member.workspace_id == row.workspace_id, Member.state == "active", condition)
        .order_by(Member.id)
        .limit(_TOLD_MAX)
    ).all()
    they = principals_of(session, [(one[0], one[1]) for one in rows])
    if row.kind == RUN_FAILED:
        return [one.id for one in they if can(one, "agent.read", owners=(one.id,), agent_id=row.agent_id)]
    if row.kind == CONNECTION_BROKEN:
        return [one.id for one in they if can(one, "connection.read")]
    return [one.id for one in they if can(one, "alert.read", agent_id=row.agent_id)]


def _add(
    session: Session,
    notice: Notice,
    kind: str,
    channel: NoticeChannel | None,
    member_id: str | None,
    said: dict[str, str],
) -> None:
    moment = clock.now()
    due_at = goes_out_at(moment, channel.pace, channel.quiet, channel.time_zone) if channel is not None else moment
    added = session.execute(
        insert_into(session, NoticeDelivery)
        .values(
            id=ids.new_id("ntd"), workspace_id=notice.workspace_id, notice_id=notice.id,
            telling=f"told:{notice.told_at.isoformat() if notice.told_at else ''}",
            target=channel.id if channel is not None else f"mail:{member_id}",
            channel_id=channel.id if channel is not None else None, member_id=member_id, kind=kind, **said,
            state="pending", attempts=0, due_at=due_at, made_at=moment,
        )
        .on_conflict_do_nothing(index_elements=["notice_id", "telling", "target"])
        .returning(NoticeDelivery.id)
    ).scalar_one_or_none()  # fmt: skip
    if added is not None:
        payload = {"delivery": added}
        outbox.send(session, workspace_id=notice.workspace_id, kind=DELIVER, payload=payload, due_at=due_at)


def _send(session: Session, row: NoticeDelivery) -> None:
    payload = {"delivery": row.id}
    outbox.send(session, workspace_id=row.workspace_id, kind=DELIVER, payload=payload, due_at=row.due_at)


def _sending(session: Session, delivery_id: str) -> Sequence[NoticeDelivery]:
    found = select(NoticeDelivery).where(NoticeDelivery.id == delivery_id, NoticeDelivery.state == "sending")
    return session.scalars(found.with_for_update()).all()


def _end(row: NoticeDelivery, state: str, error: str | None) -> None:
    row.state, row.last_error, row.ended_at = state, error, clock.now()
