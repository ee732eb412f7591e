"""What a member answers for or has in their name: what must be handed over before they can leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotNow
from signoff.people.access import Principal
from signoff.people.custom_roles import permissions_of
from signoff.people.membership import principal_of_member
from signoff.people.seats import SEAT_WORDS, SEATS, Seat, why_not
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection, Login, Secret
from signoff.tables.ownership import AgentOwner, Handover
from signoff.tables.people import Member, Person

# A refusal names so many; the page of the member shows them all, up to the limit of each kind.
SHOWN_MAX = 100
_EACH_MAX = 500

OwnedKind = Literal["agent", "secret", "login", "handover"]


@dataclass(frozen=True, slots=True)
class OwnedThing:
    """One thing of a member's. `seat`: how they answer for an agent. `path`: its page, below the workspace."""

    kind: OwnedKind
    id: str
    name: str
    seat: Seat | None
    state: str
    path: str

    @property
    def words(self) -> str:
        """Return it in a few words, for a sentence."""
        if self.kind == "agent":
            return f"{self.name} ({SEAT_WORDS[self.seat] if self.seat else 'owner'})"
        kinds = {"secret": "the personal secret", "login": "the login of", "handover": "the open hand-over of"}
        return f"{kinds[self.kind]} {self.name}"


def things_owned(session: Session, workspace_id: str, member_id: str) -> list[OwnedThing]:
    """Return everything that waits for a hand-over: seats on agents, personal secrets and logins, open hand-overs."""
    return [
        *_agents(session, workspace_id, member_id),
        *_secrets(session, workspace_id, member_id),
        *_logins(session, workspace_id, member_id),
        *_handovers(session, workspace_id, member_id),
    ]


def refuse_while_owning(session: Session, member: Member) -> None:
    """Refuse to let a member go who owns something.

    Raises:
        NotNow: they do; `owns` lists it, with `owns_count` of it all.
    """
    owned = things_owned(session, member.workspace_id, member.id)
    if not owned:
        return
    named = ", ".join(one.words for one in owned[:5])
    more = f" and {len(owned) - 5} more" if len(owned) > 5 else ""
    raise NotNow(
        f"This member still owns {named}{more}. Hand it over first, on the page of the member.",
        code="owns_things",
        extra={"owns": _plain(owned), "owns_count": len(owned)},
    )


def refuse_role_below_seats(session: Session, member: Member, role: str) -> None:
    """Refuse a role with which a member could not do what their seats ask.

    Raises:
        NotNow: there are such seats; `owns` lists them.
    """
    person = session.get_one(Person, member.person_id)
    now = principal_of_member(session, member, person)
    then = replace(now, role=role, permissions=permissions_of(session, member.workspace_id, role), is_last_resort=False)
    rows = session.execute(
        select(AgentOwner.kind, Agent)
        .join(Agent, Agent.id == AgentOwner.agent_id)
        .where(AgentOwner.member_id == member.id, AgentOwner.state != "declined")
        .order_by(Agent.slug)
        .limit(_EACH_MAX)
    )
    broken = [
        _seat(agent, kind, "")
        for kind, agent in rows
        if kind in SEATS and _breaks(now, then, kind, agent)
    ]  # fmt: skip
    if broken:
        named = ", ".join(one.words for one in broken[:5])
        raise NotNow(
            f"With the role {role} this member could not be {named} any more. Name somebody else there first.",
            code="owns_things",
            extra={"owns": _plain(broken), "owns_count": len(broken)},
        )


def _breaks(now: Principal, then: Principal, kind: Seat, agent: Agent) -> bool:
    owners = (agent.owner_id, agent.backup_id)
    return bool(why_not(then, kind, agent.id, owners)) and not why_not(now, kind, agent.id, owners)


def _plain(owned: Sequence[OwnedThing]) -> list[Mapping[str, object]]:
    return [asdict(one) for one in owned[:SHOWN_MAX]]


def _agents(session: Session, workspace_id: str, member_id: str) -> list[OwnedThing]:
    seats = session.execute(
        select(AgentOwner.kind, AgentOwner.state, Agent)
        .join(Agent, Agent.id == AgentOwner.agent_id)
        .where(
            AgentOwner.workspace_id == workspace_id, AgentOwner.member_id == member_id, AgentOwner.state != "declined"
        )
        .order_by(Agent.slug, AgentOwner.kind)
        .limit(_EACH_MAX)
    ).all()
    found = [_seat(agent, kind, state) for kind, state, agent in seats if kind in SEATS]
    known = {(one.id, one.seat) for one in found}
    # A release before seats names owners without one.
    rows = session.scalars(
        select(Agent)
        .where(Agent.workspace_id == workspace_id, or_(Agent.owner_id == member_id, Agent.backup_id == member_id))
        .order_by(Agent.slug)
        .limit(_EACH_MAX)
    )
    for agent in rows:
        named: tuple[tuple[Seat, str | None], ...] = (("build", agent.owner_id), ("backup", agent.backup_id))
        found += [
            _seat(agent, kind, "asked")
            for kind, holder in named
            if holder == member_id and (agent.id, kind) not in known
        ]  # fmt: skip
    return found


def _seat(agent: Agent, kind: Seat, state: str) -> OwnedThing:
    return OwnedThing("agent", agent.id, agent.name or agent.slug, kind, state, f"/agents/{agent.slug}/owners")


def _secrets(session: Session, workspace_id: str, member_id: str) -> list[OwnedThing]:
    rows = session.execute(
        select(Secret.id, Secret.name)
        .where(Secret.workspace_id == workspace_id, Secret.owner_id == member_id, Secret.principal == "personal")
        .order_by(Secret.id)
        .limit(_EACH_MAX)
    )
    return [OwnedThing("secret", row.id, row.name, None, "", f"/secrets/{row.id}") for row in rows]


def _logins(session: Session, workspace_id: str, member_id: str) -> list[OwnedThing]:
    rows = session.execute(
        select(Login.id, Login.connection_id, Login.state, Connection.name)
        .join(Connection, Connection.id == Login.connection_id)
        .where(
            Login.workspace_id == workspace_id,
            Login.member_id == member_id,
            Login.principal == "personal",
            Login.tokens.is_not(None),
        )
        .order_by(Login.id)
        .limit(_EACH_MAX)
    )
    return [
        OwnedThing("login", row.id, row.name, None, row.state, f"/connections/{row.connection_id}/login")
        for row in rows
    ]  # fmt: skip


def _handovers(session: Session, workspace_id: str, member_id: str) -> list[OwnedThing]:
    rows = session.execute(
        select(Handover.id, Agent.slug, Agent.name)
        .join(Agent, Agent.id == Handover.agent_id)
        .where(
            Handover.workspace_id == workspace_id,
            Handover.state == "open",
            or_(Handover.from_member_id == member_id, Handover.to_member_id == member_id),
        )
        .order_by(Handover.id)
        .limit(_EACH_MAX)
    )
    return [
        OwnedThing("handover", row.id, row.name or row.slug, None, "open", f"/agents/{row.slug}/handover")
        for row in rows
    ]  # fmt: skip
