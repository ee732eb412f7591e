"""Ways by which members, and whoever answers for an agent, are told. An address is sealed, and told to nobody again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.connections.vault import Place
from signoff.kit.errors import NotAllowed
from signoff.people.access import Principal, authorize
from signoff.tables.notices import NoticeChannel

ChannelKind = Literal["mail", "slack", "teams", "pagerduty", "webhook"]
CHANNEL_KINDS: tuple[ChannelKind, ...] = get_args(ChannelKind)
CHANNELS_MAX = 10


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A channel, without its address.

    Args:
        quiet: `[from, to]`, within which nothing is sent; None: always.
    """

    id: str
    kind: str
    name: str
    pace: str
    quiet: list[str] | None
    time_zone: str
    made_at: datetime


def channels_of(session: Session, viewer: Principal, *, agent: str | None = None) -> list[ChannelFacts]:
    """Return the viewer's own channels, or those of an agent; at most ten.

    Raises:
        NotAllowed: the viewer is no member, or does not answer for the agent.
        NotFound: there is no such agent.
    """
    _, condition = owner_of(session, viewer, agent)
    rows = session.scalars(
        select(NoticeChannel)
        .where(NoticeChannel.workspace_id == viewer.workspace_id, condition)
        .order_by(NoticeChannel.id)
        .limit(CHANNELS_MAX)
    )
    return [ChannelFacts(row.id, row.kind, row.name, row.pace, row.quiet, row.time_zone, row.made_at) for row in rows]


def owner_of(session: Session, principal: Principal, agent: str | None) -> tuple[str | None, ColumnElement[bool]]:
    """Return the agent's id, None for the caller's own, and which channels are meant.

    Raises:
        NotAllowed: the caller does not answer for the agent, or is no member who may answer requests.
        NotFound: there is no such agent.
    """
    if agent is not None:
        agent_id = agent_for(session, principal, agent, "agent.assign").id
        return agent_id, NoticeChannel.agent_id == agent_id
    authorize(principal, "approval.decide", owners=(principal.member_id,))
    if principal.member_id is None:
        raise NotAllowed("A member has channels of their own, and nobody else.", extra={"required": "approval.decide"})
    return None, NoticeChannel.member_id == principal.member_id


def place_of_channel(row: NoticeChannel) -> Place:
    """Return where a channel's sealed address belongs."""
    return Place(row.workspace_id, row.id, 1)
