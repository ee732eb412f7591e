"""Who answers for an agent, and handing it over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.agents import actions, handovers, ownership
from signoff.agents.actions import HandedOver
from signoff.agents.handovers import HandoverFacts
from signoff.agents.ownership import Ownership, WaitingSeat
from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, IdText, Moment, Reason
from signoff.api.shapes import router as make_router
from signoff.people.access import Principal
from signoff.people.owned import OwnedThing
from signoff.people.seats import Seat

router = make_router("owners")

SeatName = Annotated[Seat, Path(description="The way they answer for it.")]
_Time = Annotated[str, Field(pattern=r"^\d{2}:\d{2}$", examples=["09:00"])]
_Spans = Annotated[list[Annotated[list[_Time], Field(min_length=2, max_length=2)]], Field(max_length=6)]
_Day = Annotated[str, Field(pattern=r"^(mon|tue|wed|thu|fri|sat|sun)$")]


class Hours(Body):
    """When they work: day → spans `[from, to]` in `time_zone`; empty says nothing about it."""

    hours: Annotated[dict[_Day, _Spans], Field(max_length=7)] = Field(default_factory=dict[str, list[list[str]]])
    time_zone: Annotated[str | None, Field(max_length=60, examples=["Europe/Berlin"])] = None


class Decline(Body):
    """Why not; whoever asked reads it."""

    reason: Reason


class NewHandover(Body):
    """To whom, and why. `from_member_id`: whose seats move; the build owner's when left out."""

    to_member_id: IdText
    reason: Reason
    from_member_id: IdText | None = None
    session_at: Moment | None = None
    notes: Annotated[str, Field(max_length=5_000)] = ""


class Everything(Body):
    """To whom everything of the member goes, and why."""

    to_member_id: IdText
    reason: Reason


class SessionPlan(Body):
    """When the two sit down together, and what they wrote down."""

    session_at: Moment | None = None
    notes: Annotated[str, Field(max_length=5_000)] = ""


class CallOff(Body):
    """Why."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Waiting:
    """The seats the caller was asked to take, the oldest first; at most 50."""

    items: list[WaitingSeat]


@dataclass(frozen=True, slots=True)
class Owned:
    """What a member answers for or has in their name."""

    items: list[OwnedThing]


@dataclass(frozen=True, slots=True)
class SecretsMoved:
    """How many personal secrets moved."""

    secrets: int


@router.get("/v1/{workspace}/agents/{agent}/owners", response_model=Ownership)
async def agent_owners(desk: AtDesk, agent: AgentName) -> Response:
    """Who answers for an agent, whether they accepted, when they work, and what is missing."""
    return answer(await desk.read(ownership.ownership_of, agent))


@router.put("/v1/{workspace}/agents/{agent}/owners/{kind}/{member}", response_model=Ownership)
async def ask_owner(desk: AtDesk, agent: AgentName, kind: SeatName, member: Id, body: Hours) -> Response:
    """Put a member on a seat and ask them to accept; on a seat that one alone holds, they take it over. Of one who is
    on it already, only the hours change."""
    await desk.write(actions.ask_owner, agent, kind=kind, member_id=member, hours=body.hours, time_zone=body.time_zone)
    return answer(await desk.read(ownership.ownership_of, agent))


@router.delete("/v1/{workspace}/agents/{agent}/owners/{kind}/{member}", response_model=Done)
async def withdraw_owner(desk: AtDesk, agent: AgentName, kind: SeatName, member: Id) -> Response:
    """Take a member off a seat."""
    await desk.write(actions.withdraw_owner, agent, kind, member)
    return answer(Done())


@router.post("/v1/{workspace}/agents/{agent}/owners/{kind}:accept", response_model=Done)
async def accept_ownership(desk: AtDesk, agent: AgentName, kind: SeatName) -> Response:
    """Say yes to a seat the caller was asked to take."""
    await desk.write(actions.accept_ownership, agent, kind)
    return answer(Done())


@router.post("/v1/{workspace}/agents/{agent}/owners/{kind}:decline", response_model=Done)
async def decline_ownership(desk: AtDesk, agent: AgentName, kind: SeatName, body: Decline) -> Response:
    """Say no to a seat the caller was asked to take. Whoever asked is told."""
    await desk.write(actions.decline_ownership, agent, kind, reason=body.reason)
    return answer(Done())


@router.get("/v1/{workspace}/ownership/waiting", response_model=Waiting)
async def owners_waiting(desk: AtDesk) -> Response:
    """What the caller was asked to answer for and has not said yes or no to."""
    return answer(Waiting(await desk.read(ownership.waiting_for)))


@router.get("/v1/{workspace}/agents/{agent}/handovers", response_model=Listed[HandoverFacts])
async def agent_handovers(desk: AtDesk, agent: AgentName, cursor: Cursor = None, size: Size = None) -> Response:
    """The hand-overs of an agent, newest first."""
    return answer(listed(await desk.read(handovers.handovers_page, agent, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/agents/{agent}/handovers", response_model=Made, status_code=201)
async def start_handover(desk: AtMakingDesk, agent: AgentName, body: NewHandover) -> Response:
    """Hand an agent over. Until the new owner's first run by hand has completed, nothing starts it by itself."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.start_handover(session, principal, agent, **body.model_dump()))

    return answer(await desk.make("handover.start", {"agent": agent, **body.model_dump(mode="json")}, work), 201)


@router.get("/v1/{workspace}/handovers", response_model=Listed[HandoverFacts])
async def all_handovers(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """The hand-overs of all agents, newest first."""
    return answer(listed(await desk.read(handovers.handovers_page, cursor=cursor, size=size)))


@router.patch("/v1/{workspace}/handovers/{handover}", response_model=Done)
async def plan_handover(desk: AtDesk, handover: Id, body: SessionPlan) -> Response:
    """Keep when the two sit down together, and their notes."""
    await desk.write(actions.plan_session, handover, session_at=body.session_at, notes=body.notes)
    return answer(Done())


@router.post("/v1/{workspace}/handovers/{handover}:move-secrets", response_model=SecretsMoved)
async def move_handover_secrets(desk: AtDesk, handover: Id) -> Response:
    """Give the old owner's personal secrets that the agent may use to the new one."""
    return answer(SecretsMoved(await desk.write(actions.move_secrets, handover)))


@router.post("/v1/{workspace}/handovers/{handover}:cancel", response_model=Done)
async def cancel_handover(desk: AtDesk, handover: Id, body: CallOff) -> Response:
    """Call a hand-over off: the seats go back to who had them."""
    await desk.write(actions.cancel_handover, handover, reason=body.reason)
    return answer(Done())


@router.get("/v1/{workspace}/members/{member}/owns", response_model=Owned)
async def member_owns(desk: AtDesk, member: Id) -> Response:
    """What a member answers for or has in their name: what keeps them from being removed."""
    return answer(Owned(await desk.read(ownership.owned_by, member)))


@router.post("/v1/{workspace}/members/{member}:hand-over", response_model=HandedOver, status_code=201)
async def hand_over_member(desk: AtMakingDesk, member: Id, body: Everything) -> Response:
    """Hand over everything a member owns to another one: seats on agents, personal secrets. All of it, or nothing."""

    def work(session: Session, principal: Principal) -> HandedOver:
        return actions.hand_over_member(session, principal, member, **body.model_dump())

    return answer(await desk.make("member.hand_over", {"member": member, **body.model_dump(mode="json")}, work), 201)
