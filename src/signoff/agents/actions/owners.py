"""Asking somebody to answer for an agent, and what they say to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from signoff.agents.actions.handovers import give_back_declined
from signoff.agents.hours import checked_hours, checked_zone
from signoff.agents.lookup import agent_for
from signoff.agents.seating import COLUMNS, check_seat, note, seat, unseat
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal
from signoff.people.seats import APPROVERS_MAX, SEAT_WORDS, SEATS, SEVERAL, Seat
from signoff.record.alarms import ask_for_alert, ask_to_resolve
from signoff.tables.agents import Agent
from signoff.tables.ownership import AgentOwner, Handover

ANSWER_CHARS = 500


def ask_owner(
    session: Session,
    principal: Principal,
    agent: str,
    *,
    kind: str,
    member_id: str,
    hours: Mapping[str, Any] | None = None,
    time_zone: str | None = None,
) -> None:
    """Put a member on a seat of an agent, and ask them to accept. They answer for it from now on; whether they know
    is what their answer says. Asked again, only their hours change.

    Raises:
        NotAllowed: the caller may not say who answers for this agent.
        Malformed: there is no such seat, or this member cannot hold it.
        NotNow: it has as many approvers as it may have, or a hand-over is open.
    """
    row = agent_for(session, principal, agent, "agent.assign", lock=True)
    wanted = checked_kind(kind)
    spans, zone = checked_hours(hours), checked_zone(time_zone)
    held = session.get(AgentOwner, (row.id, wanted, member_id), populate_existing=True)
    if held is not None and held.state != "declined":
        check_seat(session, row, wanted, member_id)
        if (held.hours, held.time_zone) == (spans, zone):
            return
        held.hours, held.time_zone = spans, zone
        session.flush()
        note(session, principal, row, "agent.owner_hours_set", {"kind": wanted, "member": member_id})
        return
    _refuse_during_handover(session, row, wanted)
    if wanted in SEVERAL:
        _keep_below(session, row, wanted)
    seat(session, principal, row, wanted, member_id, hours=spans, time_zone=zone)
    ask_to_resolve(session, row.workspace_id, key=_alert_key(row, wanted))


def withdraw_owner(session: Session, principal: Principal, agent: str, kind: str, member_id: str) -> None:
    """Take a member off a seat, or forget that they declined it.

    Raises:
        NotFound: they are not on it.
        NotNow: a hand-over is open, which moves it.
    """
    row = agent_for(session, principal, agent, "agent.assign", lock=True)
    wanted = checked_kind(kind)
    held = session.get(AgentOwner, (row.id, wanted, member_id), populate_existing=True)
    if held is None:
        raise NotFound(f"This member is not {SEAT_WORDS[wanted]} of this agent. It may have changed meanwhile.")
    if held.state != "declined":
        _refuse_during_handover(session, row, wanted)
    session.execute(
        delete(AgentOwner).where(
            AgentOwner.agent_id == row.id, AgentOwner.kind == wanted, AgentOwner.member_id == member_id
        )
    )
    if wanted in COLUMNS and getattr(row, COLUMNS[wanted]) == member_id:
        setattr(row, COLUMNS[wanted], None)
        session.flush()
    session.expunge(held)
    note(session, principal, row, "agent.owner_withdrawn", {"kind": wanted, "member": member_id})


def accept_ownership(session: Session, principal: Principal, agent: str, kind: str) -> None:
    """Say yes to a seat: the caller knows that they answer for this agent, and what it does.

    Raises:
        NotFound: the caller was not asked.
        NotNow: they have answered already.
    """
    row, wanted = _my_seat(session, principal, agent, kind)
    _answer(session, principal, row, wanted, "accepted", "")
    note(session, principal, row, "agent.owner_accepted", {"kind": wanted, "member": principal.id})


def decline_ownership(session: Session, principal: Principal, agent: str, kind: str, *, reason: str) -> None:
    """Say no to a seat. It is empty then, or with who had it if a hand-over is open; whoever asked is told
    by an alert.

    Raises:
        NotFound: the caller was not asked.
        NotNow: they have answered already.
        Malformed: no reason is given.
    """
    row, wanted = _my_seat(session, principal, agent, kind)
    words = shortened(storable(reason).strip(), ANSWER_CHARS)
    if not words:
        sentence = "Say why, so that whoever asked knows whom to ask next."
        raise Malformed(sentence, errors={"reason": [sentence]})
    held = _answer(session, principal, row, wanted, "declined", words)
    asked_by = held.asked_by_name
    went_back = give_back_declined(session, principal, row, wanted)
    if not went_back and wanted in COLUMNS and getattr(row, COLUMNS[wanted]) == principal.id:
        setattr(row, COLUMNS[wanted], None)
        session.flush()
    next_step = "It stays with who had it." if went_back else "Ask somebody else, on the agent's page Owners."
    note(session, principal, row, "agent.owner_declined", {"kind": wanted, "member": principal.id, "reason": words})
    ask_for_alert(
        session,
        row.workspace_id,
        key=_alert_key(row, wanted),
        kind="owner_declined",
        text=(
            f"{principal.name} declined to be {SEAT_WORDS[wanted]} of {row.name or row.slug}, which "
            f"{asked_by} had asked for: {words} {next_step}"
        ),
        agent_id=row.id,
    )


def change_column(session: Session, principal: Principal, agent: Agent, kind: Seat, member_id: str | None) -> None:
    """Do what an edit of an agent's `owner_id` or `backup_id` asks for.

    Raises:
        NotNow: a hand-over is open, which moves it.
    """
    _refuse_during_handover(session, agent, kind)
    if member_id is None:
        unseat(session, principal, agent, kind)
    else:
        seat(session, principal, agent, kind, member_id)


def checked_kind(kind: str) -> Seat:
    """Return the seat.

    Raises:
        Malformed: there is none of this name.
    """
    found: Seat | None = next((one for one in SEATS if one == kind), None)
    if found is None:
        sentence = f"{kind[:40]!r} is no way to answer for an agent. There are: {', '.join(SEATS)}."
        raise Malformed(sentence, errors={"kind": [sentence]})
    return found


def _my_seat(session: Session, principal: Principal, agent: str, kind: str) -> tuple[Agent, Seat]:
    row = agent_for(session, principal, agent, "agent.read", lock=True)
    return row, checked_kind(kind)


def _answer(session: Session, principal: Principal, agent: Agent, kind: Seat, state: str, words: str) -> AgentOwner:
    where = (AgentOwner.agent_id == agent.id, AgentOwner.kind == kind, AgentOwner.member_id == principal.id)
    changed = session.execute(
        update(AgentOwner)
        .where(*where, AgentOwner.state == "asked")
        .values(state=state, answered_at=clock.now(), answer=words)
        .execution_options(synchronize_session=False)
    )
    held = session.scalar(select(AgentOwner).where(*where).execution_options(populate_existing=True))
    if held is None:
        raise NotFound(f"You are not asked to be {SEAT_WORDS[kind]} of this agent. It may have been withdrawn.")
    if not isinstance(changed, CursorResult) or changed.rowcount != 1:
        raise NotNow(f"You have answered this already: {held.state}.", code=f"already_{held.state}")
    return held


def _keep_below(session: Session, agent: Agent, kind: Seat) -> None:
    seats = select(func.count()).where(
        AgentOwner.agent_id == agent.id, AgentOwner.kind == kind, AgentOwner.state != "declined"
    )
    if (session.scalar(seats) or 0) >= APPROVERS_MAX:
        raise NotNow(f"An agent has at most {APPROVERS_MAX} approvers. Withdraw one first.", code="approvers_max")


def _refuse_during_handover(session: Session, agent: Agent, kind: Seat) -> None:
    moved = session.scalar(select(Handover.seats).where(Handover.open_key == agent.id))
    if moved is not None and any(one.get("kind") == kind for one in moved):
        _refuse_moving(agent, kind)


def _refuse_moving(agent: Agent, kind: Seat) -> NoReturn:
    raise NotNow(
        f"{agent.name or agent.slug} is being handed over, its {SEAT_WORDS[kind]} included. Finish the hand-over or "
        "call it off first.",
        code="handover_open",
    )


def _alert_key(agent: Agent, kind: Seat) -> str:
    return f"owner:{agent.id}:{kind}"
