"""Handing an agent over: its seats move at once; what starts by itself waits until the new owner has run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Table, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for, hold_agents
from signoff.agents.seating import COLUMNS, note, seat
from signoff.connections.secrets import hand_over_secret
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow, Refusal
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal, authorize
from signoff.people.seats import SEAT_WORDS, SEATS, Seat
from signoff.record import audit
from signoff.record.actor import Actor
from signoff.tables.agents import Agent
from signoff.tables.base import Moment
from signoff.tables.connections import Secret, SecretGrant
from signoff.tables.ownership import AgentOwner, Handover
from signoff.tables.people import Member
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

REASON_CHARS = 500
NOTES_CHARS = 5_000
# In one go; whoever owns more is handed over in several.
AGENTS_MAX = 200
_YEAR = timedelta(days=366)

# A run of the new owner that was asked for by hand and did the real thing. One statement, since each run that
# completes asks it.
_PROOF = (
    select(Run.agent_id)
    .where(Run.id == bindparam("of_run"), Run.mode == "live", Run.created_at >= Handover.started_at)
    .where(
        Run.requested_by == Handover.to_member_id, *(Run.source != one for one in ("schedule", "webhook", "trigger"))
    )
    .correlate(Handover)
    .scalar_subquery()
)
_END_BY_RUN = Prepared(
    update(cast("Table", Handover.__table__))
    .where(Handover.state == "open", Handover.open_key == _PROOF)
    .values(state="done", open_key=None, run_id=bindparam("of_run"), ended_at=bindparam("moment", type_=Moment))
    .returning(Handover.id, Handover.agent_id, Handover.workspace_id)
)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What a hand-over of everything did: the hand-overs begun, by agent, and how many personal secrets moved."""

    handovers: list[str]
    agents: list[str]
    secrets: int


def start_handover(
    session: Session,
    principal: Principal,
    agent: str,
    *,
    to_member_id: str,
    reason: str,
    from_member_id: str | None = None,
    session_at: datetime | None = None,
    notes: str = "",
) -> str:
    """Give every seat that a member has on an agent to another one, who is asked to accept; return the hand-over's id.

    It stays open until the new owner has run the agent once and the run completed. When no build owner changes,
    nothing has to be proven, and it ends at once.

    Args:
        from_member_id: whose seats; the build owner's when left out.
        session_at: when the two sit down together.

    Raises:
        NotAllowed: the caller may not say who answers for this agent.
        Malformed: a field is wrong, or the other cannot hold one of the seats.
        NotNow: one is open already, or there is nothing to hand over.
        NotFound: there is no such member to hand over from.
    """
    row = agent_for(session, principal, agent, "agent.assign", lock=True)
    why = _needed_reason(reason)
    leaver = from_member_id or row.owner_id
    if leaver is None:
        raise NotNow(f"{row.name or row.slug} has no owner to hand over from. Ask somebody instead.", code="no_owner")
    if leaver == to_member_id:
        sentence = "Choose somebody else than who hands over."
        raise Malformed(sentence, errors={"to_member_id": [sentence]})
    if _open(session, row.id) is not None:
        raise NotNow("A hand-over of this agent is open. Finish it, or call it off first.", code="handover_open")
    seats = _seats_of(session, row, leaver)
    if not seats:
        raise _nothing(session, row.workspace_id, leaver, "This member has no seat on this agent to hand over.")
    _move(session, principal, row, seats, leaver, to_member_id)
    moment = clock.now()
    is_open = any(one["kind"] == "build" for one in seats)
    made = Handover(
        id=ids.new_id("hov"), workspace_id=row.workspace_id, agent_id=row.id, open_key=row.id if is_open else None,
        from_member_id=leaver, to_member_id=to_member_id, seats=seats, state="open" if is_open else "done", reason=why,
        session_at=_checked_moment(session_at), notes=_notes(notes), started_by=principal.id,
        started_by_name=principal.name, started_at=moment, ended_at=None if is_open else moment,
    )  # fmt: skip
    session.add(made)
    session.flush()
    detail = {"handover": made.id, "from": leaver, "to": to_member_id, "seats": [one["kind"] for one in seats]}
    note(session, principal, row, "agent.handover_started", {**detail, "reason": why})
    return made.id


def plan_session(
    session: Session, principal: Principal, handover_id: str, *, session_at: datetime | None, notes: str
) -> None:
    """Keep when the two sit down together, and what they wrote down.

    Raises:
        NotFound: there is no such hand-over.
        NotNow: it has ended.
    """
    row, found = _handover_for(session, principal, handover_id)
    found.session_at, found.notes = _checked_moment(session_at), _notes(notes)
    session.flush()
    note(session, principal, row, "agent.handover_planned", {"handover": found.id})


def move_secrets(session: Session, principal: Principal, handover_id: str) -> int:
    """Give the personal secrets of the old owner that this agent may use to the new one; return how many.

    Raises:
        NotFound: there is no such hand-over.
        NotAllowed: one is somebody else's, and the caller no administrator.
        NotNow: it has ended, or there is none to move.
    """
    row, found = _handover_for(session, principal, handover_id)
    moving = secrets_to_move(session, row.workspace_id, row.id, found.from_member_id)
    if not moving:
        raise NotNow("No personal secret of the old owner is used by this agent any more.", code="nothing_to_move")
    for secret in moving:
        hand_over_secret(session, principal, secret.id, found.to_member_id, reason=found.reason)
    detail = {"handover": found.id, "secrets": [secret.name for secret in moving]}
    note(session, principal, row, "agent.handover_secrets_moved", detail)
    return len(moving)


def secrets_to_move(session: Session, workspace_id: str, agent_id: str, member_id: str) -> Sequence[Secret]:
    """Return the personal secrets of a member that an agent may use."""
    granted = select(SecretGrant.secret_id).where(SecretGrant.agent_id == agent_id)
    return session.scalars(
        select(Secret)
        .where(Secret.workspace_id == workspace_id, Secret.principal == "personal", Secret.owner_id == member_id)
        .where(or_(Secret.id.in_(granted), Secret.is_open_to_all))
        .order_by(Secret.name, Secret.id)
        .limit(AGENTS_MAX)
    ).all()


def cancel_handover(session: Session, principal: Principal, handover_id: str, *, reason: str) -> None:
    """Call a hand-over off: the seats go back to who had them. Secrets that moved stay where they are.

    Raises:
        NotFound: there is no such hand-over.
        NotNow: it has ended, or the old owner cannot hold the seats any more.
        Malformed: no reason is given.
    """
    row, found = _handover_for(session, principal, handover_id)
    why = _needed_reason(reason)
    _end(session, found, "cancelled")
    try:
        _give_back(session, principal, row, found)
    except Refusal as refusal:
        raise NotNow(
            f"The seats cannot go back: {refusal.detail} Hand it over to somebody else once this one is done.",
            code="cannot_give_back",
        ) from refusal
    note(session, principal, row, "agent.handover_cancelled", {"handover": found.id, "reason": why})


def give_back_declined(session: Session, principal: Principal, agent: Agent, kind: Seat) -> bool:
    """End an open hand-over whose new owner declines one of its seats. Returns whether the seats went back.

    Args:
        principal: who declines.
    """
    found = _open(session, agent.id)
    if found is None or found.to_member_id != principal.id or kind not in {one["kind"] for one in found.seats}:
        return False
    _end(session, found, "declined")
    note(session, principal, agent, "agent.handover_declined", {"handover": found.id})
    try:
        with session.begin_nested():
            _give_back(session, principal, agent, found)
    except Refusal:  # They left, or lost the right: the seat stays empty, and the alert says so.
        session.refresh(agent)
        return False
    return True


def end_handover_by_run(session: Session, run_id: str, *, by: Actor) -> None:
    """End the hand-over that a run proves, now that it has completed: the new owner ran the agent once by hand."""
    proven = {"of_run": run_id, "moment": clock.now()}
    ended = _END_BY_RUN.first(session, proven)
    if ended is not None:
        audit.write(
            session, workspace_id=ended.workspace_id, actor=by, action="agent.handover_done", object_kind="agent",
            object_id=ended.agent_id, detail={"handover": ended.id, "run": run_id},
        )  # fmt: skip


def hand_over_member(
    session: Session, principal: Principal, member_id: str, *, to_member_id: str, reason: str
) -> HandedOver:
    """Hand over everything a member owns to another one: every seat on every agent, and their personal secrets.
    All of it, or nothing. Logins they authorised stay: another person authorises them anew.

    Raises:
        NotAllowed: one of the agents or secrets is not the caller's to hand over.
        Malformed: the other cannot hold one of the seats; the sentence names the agent.
        NotNow: there is nothing, more than fits, or a hand-over is open.
    """
    authorize(principal, "agent.assign")
    agents = _agents_of(session, principal.workspace_id, member_id)
    secrets = session.scalars(
        select(Secret)
        .where(
            Secret.workspace_id == principal.workspace_id, Secret.principal == "personal", Secret.owner_id == member_id
        )
        .order_by(Secret.id)
        .limit(AGENTS_MAX + 1)
        # As the agents below: all of them before the first row of the audit.
        .with_for_update()
    ).all()
    if not agents and not secrets:
        words = "This member has no seat on an agent and no personal secret here to hand over."
        raise _nothing(session, principal.workspace_id, member_id, words)
    if max(len(agents), len(secrets)) > AGENTS_MAX:
        raise NotNow(f"More than {AGENTS_MAX} things at once: hand some over one by one first.", code="too_many")
    hold_agents(session, [agent.id for agent in agents])
    begun: list[str] = []
    for agent in agents:
        try:
            begun.append(
                start_handover(
                    session, principal, agent.id, to_member_id=to_member_id, from_member_id=member_id, reason=reason
                )
            )
        except Malformed as refusal:
            name = agent.name or agent.slug
            raise Malformed(f"{name}: {refusal.detail}", errors=refusal.errors, code=refusal.code) from refusal
    for secret in secrets:
        hand_over_secret(session, principal, secret.id, to_member_id, reason=_needed_reason(reason))
    return HandedOver(begun, [agent.slug for agent in agents], len(secrets))


def _nothing(session: Session, workspace_id: str, member_id: str, words: str) -> Refusal:
    # Somebody of another workspace, or who is gone, is told like somebody who never was.
    found = select(Member.id).where(
        Member.id == member_id, Member.workspace_id == workspace_id, Member.state == "active"
    )
    if session.scalar(found) is None:
        return NotFound("There is no such member in this workspace.")
    return NotNow(words, code="nothing_owned")


def _agents_of(session: Session, workspace_id: str, member_id: str) -> Sequence[Agent]:
    seated = select(AgentOwner.agent_id).where(AgentOwner.member_id == member_id, AgentOwner.state != "declined")
    return session.scalars(
        select(Agent)
        .where(Agent.workspace_id == workspace_id)
        .where(or_(Agent.id.in_(seated), Agent.owner_id == member_id, Agent.backup_id == member_id))
        .order_by(Agent.id)
        .limit(AGENTS_MAX + 1)
    ).all()


def _seats_of(session: Session, agent: Agent, member_id: str) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(AgentOwner).where(
            AgentOwner.agent_id == agent.id, AgentOwner.member_id == member_id, AgentOwner.state != "declined"
        )
    ).all()
    held = {
        row.kind: {"kind": row.kind, "state": row.state, "hours": row.hours, "time_zone": row.time_zone}
        for row in rows
    }  # fmt: skip
    for kind, column in COLUMNS.items():  # Named by a release before seats.
        if getattr(agent, column) == member_id and kind not in held:
            held[kind] = {"kind": kind, "state": "asked", "hours": {}, "time_zone": None}
    return [held[kind] for kind in SEATS if kind in held]


def _move(
    session: Session, principal: Principal, agent: Agent, seats: Sequence[dict[str, Any]], leaver: str, to: str
) -> None:
    for one in seats:
        kind: Seat = one["kind"]
        session.execute(
            delete(AgentOwner).where(
                AgentOwner.agent_id == agent.id, AgentOwner.kind == kind, AgentOwner.member_id == leaver
            )
        )
        held = session.get(AgentOwner, (agent.id, kind, to), populate_existing=True)
        if held is None or held.state == "declined":
            try:
                seat(session, principal, agent, kind, to)
            except Malformed as refusal:
                sentence = f"As {SEAT_WORDS[kind]}: {refusal.detail}"
                raise Malformed(sentence, errors={"to_member_id": [sentence]}, code=refusal.code) from refusal


def _give_back(session: Session, principal: Principal, agent: Agent, handover: Handover) -> None:
    for one in handover.seats:
        kind: Seat = one["kind"]
        session.execute(
            delete(AgentOwner).where(
                AgentOwner.agent_id == agent.id, AgentOwner.kind == kind, AgentOwner.member_id == handover.to_member_id
            )
        )
        seat(
            session, principal, agent, kind, handover.from_member_id, hours=one["hours"], time_zone=one["time_zone"],
            state=one["state"],
        )  # fmt: skip


def _end(session: Session, handover: Handover, state: str) -> None:
    ended = session.execute(
        update(Handover)
        .where(Handover.id == handover.id, Handover.state == "open")
        .values(state=state, open_key=None, ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if not isinstance(ended, CursorResult) or ended.rowcount != 1:
        raise NotNow("This hand-over has ended already.", code="handover_ended")
    session.refresh(handover)


def _handover_for(session: Session, principal: Principal, handover_id: str) -> tuple[Agent, Handover]:
    found = session.scalar(
        select(Handover).where(Handover.id == handover_id, Handover.workspace_id == principal.workspace_id)
    )
    if found is None:
        raise NotFound("There is no such hand-over in this workspace.")
    row = agent_for(session, principal, found.agent_id, "agent.assign", lock=True)
    session.refresh(found)
    if found.state != "open":
        raise NotNow("This hand-over has ended already.", code="handover_ended")
    return row, found


def _open(session: Session, agent_id: str) -> Handover | None:
    return session.scalar(select(Handover).where(Handover.open_key == agent_id))


def _needed_reason(reason: str) -> str:
    why = shortened(storable(reason).strip(), REASON_CHARS)
    if not why:
        sentence = "Say why: the audit keeps it."
        raise Malformed(sentence, errors={"reason": [sentence]})
    return why


def _notes(notes: str) -> str:
    return shortened(storable(notes).strip(), NOTES_CHARS)


def _checked_moment(moment: datetime | None) -> datetime | None:
    if moment is not None and (moment.tzinfo is None or abs(moment - clock.now()) > _YEAR):
        sentence = "Give a moment with its time zone, within a year."
        raise Malformed(sentence, errors={"session_at": [sentence]})
    return moment
