"""Being told of requests: absences, channels, what was delivered, and saying that one sees to a request."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Made, answer
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Id, MakingDesk
from signoff.api.shapes import Body, IdText, Moment, Name
from signoff.api.shapes import router as make_router
from signoff.approvals import queries
from signoff.approvals.absences import AbsenceFacts, absences_of
from signoff.approvals.actions import acknowledge, come_back, go_away
from signoff.approvals.actions.channels import add_channel, remove_channel
from signoff.approvals.channels import ChannelFacts, ChannelKind, channels_of
from signoff.approvals.deliveries import DeliveryFacts, of_request
from signoff.people.access import Principal

router = make_router("notices")

_Time = Annotated[str, Field(pattern=r"^\d{2}:\d{2}$", examples=["22:00"])]


class Away(Body):
    """From when until when the caller is away, and who answers meanwhile."""

    starts_at: Moment
    ends_at: Moment
    delegate_id: IdText


class NewChannel(Body):
    """A way to be told. `target`: an address to post to, a routing key of PagerDuty, for an agent a mail address; empty
    for one's own mail. It is sealed, and never shown again."""

    kind: ChannelKind
    name: Name
    target: Annotated[str, Field(max_length=2_000)] = ""
    pace: Literal["at_once", "hourly", "daily"] = "at_once"
    quiet: Annotated[list[_Time], Field(min_length=2, max_length=2)] | None = None
    time_zone: Annotated[str | None, Field(max_length=60, examples=["Europe/Berlin"])] = None


@dataclass(frozen=True, slots=True)
class Absences:
    """The caller's absences that are not over, the next first; at most 20."""

    items: list[AbsenceFacts]


@dataclass(frozen=True, slots=True)
class Channels:
    """Channels, without their addresses; at most ten."""

    items: list[ChannelFacts]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What was told of a request, the oldest first; at most 200."""

    items: list[DeliveryFacts]


@router.get("/v1/{workspace}/absences", response_model=Absences)
async def absences(desk: AtDesk) -> Response:
    """When the caller is away, and who answers meanwhile."""
    return answer(Absences(await desk.read(absences_of)))


@router.post("/v1/{workspace}/absences", response_model=Made, status_code=201)
async def set_absence(desk: AtMakingDesk, body: Away) -> Response:
    """Have what is asked of the caller in this time asked of another member."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(
            id=go_away(session, principal, starts_at=body.starts_at, ends_at=body.ends_at, delegate_id=body.delegate_id)
        )

    return answer(await desk.make("absence.set", body.model_dump(mode="json"), work), 201)


@router.delete("/v1/{workspace}/absences/{absence}", response_model=Done)
async def remove_absence(desk: AtDesk, absence: Id) -> Response:
    """Be back, or not go."""
    await desk.write(come_back, absence)
    return answer(Done())


@router.get("/v1/{workspace}/channels", response_model=Channels)
async def channels(desk: AtDesk) -> Response:
    """By which ways the caller is told of requests. None: by mail at once, where the installation sends mail."""
    return answer(Channels(await desk.read(channels_of)))


@router.post("/v1/{workspace}/channels", response_model=Made, status_code=201)
async def add_own_channel(desk: AtMakingDesk, body: NewChannel) -> Response:
    """Be told this way."""
    return await _add(desk, body, None)


@router.delete("/v1/{workspace}/channels/{channel}", response_model=Done)
async def remove_own_channel(desk: AtDesk, channel: Id) -> Response:
    """Be told this way no more."""
    await desk.write(remove_channel, channel)
    return answer(Done())


@router.get("/v1/{workspace}/agents/{agent}/channels", response_model=Channels)
async def agent_channels(desk: AtDesk, agent: AgentName) -> Response:
    """Where requests of an agent are told of, besides to those asked."""
    return answer(Channels(await desk.read(channels_of, agent=agent)))


@router.post("/v1/{workspace}/agents/{agent}/channels", response_model=Made, status_code=201)
async def add_agent_channel(desk: AtMakingDesk, agent: AgentName, body: NewChannel) -> Response:
    """Have requests of an agent told of there."""
    return await _add(desk, body, agent)


@router.delete("/v1/{workspace}/agents/{agent}/channels/{channel}", response_model=Done)
async def remove_agent_channel(desk: AtDesk, agent: AgentName, channel: Id) -> Response:
    """Have them told of there no more."""
    await desk.write(remove_channel, channel, agent=agent)
    return answer(Done())


@router.post("/v1/{workspace}/approvals/{approval}:acknowledge", response_model=Done)
async def acknowledge_approval(desk: AtDesk, approval: Id) -> Response:
    """Say that somebody sees to a request that nobody could be asked, or that nobody answered in time."""
    await desk.write(acknowledge, approval)
    return answer(Done())


@router.get("/v1/{workspace}/approvals/{approval}/deliveries", response_model=Deliveries)
async def approval_deliveries(desk: AtDesk, approval: Id) -> Response:
    """Who was told of a request, through what, and what became of it."""

    def work(session: Session, viewer: Principal) -> list[DeliveryFacts]:
        return of_request(session, queries.approval(session, viewer, approval).row.id)

    return answer(Deliveries(await desk.read(work)))


async def _add(desk: MakingDesk, body: NewChannel, agent: str | None) -> Response:
    # Without encryption only where the operator allows addresses that are not public.
    allows_http = desk.settings.allow_loopback or bool(desk.settings.allow_private_networks)
    vault = desk.house.services.vault

    def work(session: Session, principal: Principal) -> Made:
        return Made(
            id=add_channel(
                session, principal, vault, kind=body.kind, name=body.name, target=body.target, pace=body.pace,
                quiet=body.quiet, time_zone=body.time_zone, agent=agent, allows_http=allows_http,
            )
        )  # fmt: skip

    # Under the master key: what is kept of the request must not help anyone to guess the address.
    target = hmac.new(vault.keys.current.value, body.target.encode(), "sha256").hexdigest()
    asked = {**body.model_dump(mode="json", exclude={"target"}), "target": target, "agent": agent}
    return answer(await desk.make("channel.add", asked, work), 201)
