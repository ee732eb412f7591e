"""Putting a member on a seat of an agent and taking them off, with the rules that hold for every way to do so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import Malformed
from signoff.people.access import Principal
from signoff.people.membership import principal_of_member
from signoff.people.seats import SEVERAL, Seat, why_not
from signoff.record import audit
from signoff.tables.agents import Agent
from signoff.tables.ownership import AgentOwner
from signoff.tables.people import Member, Person

# What the row of an agent repeats of its seats.
COLUMNS: dict[Seat, str] = {"build": "owner_id", "backup": "backup_id"}
# How the fields of older forms and files call them.
FIELDS: dict[Seat, str] = {"build": "owner_id", "backup": "backup_id"}


def seat(
    session: Session,
    principal: Principal,
    agent: Agent,
    kind: Seat,
    member_id: str,
    *,
    hours: Mapping[str, Any] | None = None,
    time_zone: str | None = None,
    state: str | None = None,
    is_noted: bool = True,
) -> AgentOwner:
    """Put a member on a seat; on one that only one holds, in place of whoever held it. They are asked to accept;
    whoever names themselves has.

    Args:
        state: what they said already, where they are put back.
        is_noted: False when the caller's own row in the audit says so.

    Raises:
        Malformed: they are no active member, or cannot hold this seat; `errors` has the field.
    """
    check_seat(session, agent, kind, member_id)
    if kind not in SEVERAL:
        session.execute(
            delete(AgentOwner).where(
                AgentOwner.agent_id == agent.id, AgentOwner.kind == kind, AgentOwner.member_id != member_id
            )
        )
    if kind in COLUMNS:
        setattr(agent, COLUMNS[kind], member_id)
    row = session.get(AgentOwner, (agent.id, kind, member_id), populate_existing=True)
    if row is None:
        row = AgentOwner(agent_id=agent.id, kind=kind, member_id=member_id, workspace_id=agent.workspace_id)
        session.add(row)
    moment = clock.now()
    row.state = state or ("accepted" if member_id == principal.id else "asked")
    row.asked_by, row.asked_by_name, row.asked_at = principal.id, principal.name, moment
    row.answered_at = moment if row.state == "accepted" else None
    row.answer, row.hours, row.time_zone = "", dict(hours or {}), time_zone
    session.flush()
    if is_noted:
        detail = {"kind": kind, "member": member_id, "state": row.state}
        note(session, principal, agent, "agent.owner_asked", detail)
    return row


def unseat(session: Session, principal: Principal, agent: Agent, kind: Seat) -> None:
    """Leave a seat that only one holds to nobody."""
    session.execute(delete(AgentOwner).where(AgentOwner.agent_id == agent.id, AgentOwner.kind == kind))
    if kind in COLUMNS:
        setattr(agent, COLUMNS[kind], None)
    session.flush()
    note(session, principal, agent, "agent.owner_withdrawn", {"kind": kind})


def check_seat(session: Session, agent: Agent, kind: Seat, member_id: str) -> None:
    """Refuse a member who cannot hold a seat: not active, owner and backup at once, or without the rights it asks for.

    Raises:
        Malformed: they cannot; `errors` has the field.
    """
    pair = session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(Member.id == member_id, Member.workspace_id == agent.workspace_id, Member.state == "active")
        # Whoever removes this member at the same moment waits, and then sees the seat.
        .with_for_update(read=True, of=Member)
    ).one_or_none()
    if pair is None:
        words = {"build": "owner"}.get(kind, kind)
        _refuse(
            kind, f"The {words} is not an active member of this workspace. Choose one of its members.", "not_a_member"
        )
    they = principal_of_member(session, pair[0], pair[1])
    other = {"build": agent.backup_id, "backup": agent.owner_id}.get(kind)
    if other == member_id:
        _refuse(
            kind,
            f"{they.name} cannot be both owner and backup: when the owner is away, somebody else must be there. "
            "Choose two people.",
            "owner_is_backup",
        )
    if sentence := why_not(they, kind, agent.id, (agent.owner_id, agent.backup_id)):
        _refuse(kind, sentence, "cannot_hold_seat")


def note(session: Session, principal: Principal, agent: Agent, action: str, detail: Mapping[str, Any]) -> None:
    """Write the audit of something done to who answers for an agent."""
    audit.write(
        session,
        workspace_id=agent.workspace_id,
        actor=principal.actor,
        action=action,
        object_kind="agent",
        object_id=agent.id,
        detail=detail,
    )


def _refuse(kind: Seat, sentence: str, code: str) -> NoReturn:
    raise Malformed(sentence, errors={FIELDS.get(kind, "member_id"): [sentence]}, code=code)
