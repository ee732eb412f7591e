"""Who answers for an agent, how to reach them, and what is missing. Everything that names a contact reads it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.hours import is_working
from signoff.agents.lookup import agent_for
from signoff.kit import clock
from signoff.people.access import Principal, authorize, can, reach
from signoff.people.membership import principals_of
from signoff.people.owned import OwnedKind, OwnedThing, things_owned
from signoff.people.queries import member
from signoff.people.roles import Action
from signoff.people.seats import SEAT_WORDS, SEATS, SEVERAL, Seat, SeatState, why_not
from signoff.tables.agents import Agent
from signoff.tables.ownership import AgentOwner
from signoff.tables.people import Member, Person

WAITING_MAX = 50


@dataclass(frozen=True, slots=True)
class OwnerFacts:
    """One seat of an agent: who, whether they accepted, when they work and how they are reached.

    `is_working` is None when nothing is said of when they work. `problem`: why they cannot hold the seat any more.
    """

    kind: Seat
    member_id: str
    name: str
    email: str
    role: str
    state: SeatState
    asked_by_name: str
    asked_at: datetime
    answered_at: datetime | None
    answer: str
    hours: Mapping[str, Any]
    time_zone: str | None
    is_working: bool | None
    problem: str


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who answers for an agent. `gaps`: what is missing or broken, each as a sentence; empty when all is well."""

    agent_id: str
    owners: tuple[OwnerFacts, ...]
    gaps: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Return whether owner and backup are there, may hold their seats, and have accepted."""
        return not self.gaps


@dataclass(frozen=True, slots=True)
class WaitingSeat:
    """A seat somebody was asked to take, with what the agent does."""

    agent_id: str
    agent_slug: str
    agent_name: str
    description: str
    kind: Seat
    asked_by_name: str
    asked_at: datetime


def ownership_of(session: Session, viewer: Principal, agent: str) -> Ownership:
    """Return who answers for an agent.

    Raises:
        NotFound: this workspace has no such agent.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    found = session.execute(
        select(AgentOwner, Member, Person)
        .join(Member, Member.id == AgentOwner.member_id)
        .join(Person, Person.id == Member.person_id)
        .where(AgentOwner.agent_id == row.id)
        .order_by(Person.name, Member.id)
    ).all()
    they = principals_of(session, [(one.Member, one.Person) for one in found])
    facts = [
        _facts(row, one.AgentOwner, one.Member, one.Person, person) for one, person in zip(found, they, strict=True)
    ]
    owners = tuple(sorted(facts, key=lambda one: SEATS.index(one.kind)))
    return Ownership(row.id, owners, tuple(_gaps(owners)))


def waiting_for(session: Session, viewer: Principal) -> list[WaitingSeat]:
    """Return the seats the viewer was asked to take and has not answered, the oldest first."""
    authorize(viewer, "agent.read")
    rows = session.execute(
        select(AgentOwner, Agent)
        .join(Agent, Agent.id == AgentOwner.agent_id)
        .where(
            AgentOwner.workspace_id == viewer.workspace_id,
            AgentOwner.member_id == viewer.id,
            AgentOwner.state == "asked",
        )
        .order_by(AgentOwner.asked_at, Agent.slug)
        .limit(WAITING_MAX)
    )
    return [
        WaitingSeat(agent.id, agent.slug, agent.name, agent.description, seat.kind, seat.asked_by_name, seat.asked_at)
        for seat, agent in rows
        if seat.kind in SEATS
    ]


def owned_by(session: Session, viewer: Principal, member_id: str) -> list[OwnedThing]:
    """Return what a member answers for or has in their name, as far as the viewer may know of such things.

    Raises:
        NotFound: there is no such member in this workspace.
    """
    member(session, viewer, member_id)
    found = things_owned(session, viewer.workspace_id, member_id)
    needs: dict[OwnedKind, Action] = {"secret": "secret.read", "login": "connection.read"}
    hidden = {kind for kind, action in needs.items() if not can(viewer, action)}
    if reach(viewer, "agent.read") != "all":
        hidden |= {"agent", "handover"}
    return [one for one in found if one.kind not in hidden or member_id == viewer.id]


def _facts(agent: Agent, seat: AgentOwner, holder: Member, person: Person, they: Principal) -> OwnerFacts:
    kind: Seat = next(one for one in SEATS if one == seat.kind)
    state: SeatState = "accepted" if seat.state == "accepted" else "declined" if seat.state == "declined" else "asked"
    problem = ""
    if holder.state != "active":
        problem = f"{they.name} is no member any more."
    elif state != "declined":
        problem = why_not(they, kind, agent.id, (agent.owner_id, agent.backup_id))
    zone = seat.time_zone or person.time_zone
    return OwnerFacts(
        kind=kind, member_id=holder.id, name=person.name, email=person.email, role=holder.role, state=state,
        asked_by_name=seat.asked_by_name, asked_at=seat.asked_at, answered_at=seat.answered_at, answer=seat.answer,
        hours=seat.hours, time_zone=zone, is_working=is_working(seat.hours, zone, clock.now()), problem=problem,
    )  # fmt: skip


def _gaps(owners: Sequence[OwnerFacts]) -> list[str]:
    found = [one.problem for one in owners if one.problem]
    holds = {one.kind: one for one in owners if one.state != "declined"}
    needed: tuple[Seat, ...] = ("build", "backup")
    found += [f"It has no {SEAT_WORDS[kind]}." for kind in needed if kind not in holds]
    found += [
        f"{one.name} has not accepted yet to be {SEAT_WORDS[one.kind]}."
        for one in holds.values()
        if one.state == "asked" and one.kind not in SEVERAL
    ]
    if "build" in holds and "backup" in holds and holds["build"].member_id == holds["backup"].member_id:
        found.append("Owner and backup are the same person.")
    return found
