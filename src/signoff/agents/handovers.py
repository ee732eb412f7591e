"""What is read of hand-overs: who to whom, what is done, and what is still to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from signoff.agents.actions.handovers import secrets_to_move
from signoff.agents.lookup import agent_for
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize, can
from signoff.people.seats import Seat, SeatState
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent, Draft, Revision
from signoff.tables.connections import Connection, Login
from signoff.tables.keyset import newest_first
from signoff.tables.ownership import AgentOwner, Handover
from signoff.tables.people import Member, Person

HandoverState = Literal["open", "done", "cancelled", "declined"]
_MAX = 200

_from, _to = aliased(Member), aliased(Member)
_from_person, _to_person = aliased(Person), aliased(Person)


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A personal secret or login of the old owner that the agent still uses. A login is authorised anew, not moved."""

    kind: Literal["secret", "login"]
    id: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class HandoverFacts:
    """One hand-over. `seats`: what moved; `run_id`: the new owner's run that completed."""

    id: str
    agent_id: str
    agent_slug: str
    agent_name: str
    from_member_id: str
    from_name: str
    to_member_id: str
    to_name: str
    to_email: str
    seats: tuple[Seat, ...]
    state: HandoverState
    reason: str
    session_at: datetime | None
    notes: str
    started_by_name: str
    started_at: datetime
    run_id: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class HandoverProgress:
    """An open hand-over, and what it still waits for. `accepted`: what the new owner said to the build owner's seat."""

    handover: HandoverFacts
    accepted: SeatState
    left_behind: tuple[LeftBehind, ...]


def handovers_page(
    session: Session,
    viewer: Principal,
    agent: str | None = None,
    *,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[HandoverFacts]:
    """Return one page of hand-overs, newest first: of one agent, or of all the viewer may see.

    Raises:
        NotFound: this workspace has no such agent.
    """
    authorize(viewer, "agent.read")
    wanted = _handovers().where(*visible_agents(viewer))
    if agent is not None:
        wanted = wanted.where(Handover.agent_id == agent_for(session, viewer, agent, "agent.read").id)
    page = newest_first(session, wanted, Handover.id, cursor=cursor, size=size)
    return Page([_facts(row) for row in page.rows], page.next_cursor, page.previous_cursor)


def open_handover(session: Session, viewer: Principal, agent: str) -> HandoverFacts | None:
    """Return the open hand-over of an agent, or None.

    Raises:
        NotFound: this workspace has no such agent.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    found = session.execute(_handovers().where(Handover.open_key == row.id)).one_or_none()
    return _facts(found) if found is not None else None


def handover_progress(session: Session, viewer: Principal, agent: str) -> HandoverProgress | None:
    """Return the open hand-over of an agent with what it waits for, or None.

    Raises:
        NotFound: this workspace has no such agent.
    """
    facts = open_handover(session, viewer, agent)
    if facts is None:
        return None
    state = session.scalar(
        select(AgentOwner.state).where(
            AgentOwner.agent_id == facts.agent_id,
            AgentOwner.kind == "build",
            AgentOwner.member_id == facts.to_member_id,
        )
    )
    left = (
        []
        if not can(viewer, "secret.read")
        else [
            LeftBehind("secret", secret.id, secret.name, f"/secrets/{secret.id}")
            for secret in secrets_to_move(session, viewer.workspace_id, facts.agent_id, facts.from_member_id)
        ]
    )
    if can(viewer, "connection.read"):
        left += _logins(session, viewer.workspace_id, facts)
    return HandoverProgress(facts, "accepted" if state == "accepted" else "asked", tuple(left))


def is_handed_over(session: Session, agent_id: str) -> bool:
    """Return whether a hand-over of an agent is open, so that nothing starts it by itself."""
    return session.scalar(select(Handover.id).where(Handover.open_key == agent_id)) is not None


def _logins(session: Session, workspace_id: str, facts: HandoverFacts) -> list[LeftBehind]:
    rows = session.execute(
        select(Login.id, Login.connection_id, Connection.name)
        .join(Connection, Connection.id == Login.connection_id)
        .where(
            Login.workspace_id == workspace_id,
            Login.member_id == facts.from_member_id,
            Login.principal == "personal",
            Login.tokens.is_not(None),
            Connection.slug.in_(_slots(session, facts.agent_id)),
        )
        .order_by(Connection.slug, Login.id)
        .limit(_MAX)
    )
    return [LeftBehind("login", row.id, row.name, f"/connections/{row.connection_id}/login") for row in rows]


def _slots(session: Session, agent_id: str) -> list[str]:
    """The slots of the draft and of the newest revision: what the agent reaches, or is about to."""
    newest = (
        select(Revision.body)
        .join(Agent, (Agent.id == Revision.agent_id) & (Agent.last_revision == Revision.number))
        .where(Agent.id == agent_id)
    )
    bodies = [session.scalar(select(Draft.body).where(Draft.agent_id == agent_id)), session.scalar(newest)]
    found: set[str] = set()
    for body in bodies:
        found.update(_connections_of(body or {}))
    return sorted(found)


def _connections_of(body: Mapping[str, Any]) -> list[str]:
    # A draft may hold anything at all.
    listed: Any = body.get("tools")
    slots = cast("list[Any]", listed) if isinstance(listed, list) else []
    return [str(cast("dict[str, Any]", one).get("slot", "")) for one in slots if isinstance(one, dict)]


def _handovers() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Handover,
            Agent.slug,
            Agent.name.label("agent_name"),
            _from_person.name.label("from_name"),
            _to_person.name.label("to_name"),
            _to_person.email.label("to_email"),
        )
        .join(Agent, Agent.id == Handover.agent_id)
        .join(_from, _from.id == Handover.from_member_id)
        .join(_from_person, _from_person.id == _from.person_id)
        .join(_to, _to.id == Handover.to_member_id)
        .join(_to_person, _to_person.id == _to.person_id)
    )


def _facts(row: Any) -> HandoverFacts:
    one: Handover = row.Handover
    return HandoverFacts(
        id=one.id, agent_id=one.agent_id, agent_slug=row.slug, agent_name=row.agent_name or row.slug,
        from_member_id=one.from_member_id, from_name=row.from_name, to_member_id=one.to_member_id,
        to_name=row.to_name, to_email=row.to_email, seats=tuple(seat["kind"] for seat in one.seats),
        state=one.state, reason=one.reason, session_at=one.session_at, notes=one.notes,  # pyright: ignore[reportArgumentType]
        started_by_name=one.started_by_name, started_at=one.started_at, run_id=one.run_id, ended_at=one.ended_at,
    )  # fmt: skip
