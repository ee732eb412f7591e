"""Who may do what on one agent, and why: by role, as owner or backup, by a grant, as the owner of last resort."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.people.access import Place, Principal, can
from signoff.people.levels import LEVEL_ACTIONS, LEVELS, Level, levels_with
from signoff.people.membership import principals_of
from signoff.people.roles import ACTIONS, PERMISSIONS, Action
from signoff.tables.agents import Agent, AgentGrant
from signoff.tables.people import CustomRole, Member, Person, Workspace

# On one agent; a role is the way to give many people something.
GRANTS_MAX = 200
# What the page asks of each person, in its order.
SHOWN: tuple[Action, ...] = (
    "agent.read",
    "run.read",
    "run.start",
    "run.cancel",
    "agent.edit",
    "agent.deploy",
    "agent.disable",
    "agent.share",
)


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """One level that somebody holds on an agent."""

    id: str
    member_id: str
    name: str
    level: Level
    granted_by_name: str
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """One member's access to one agent. `actions`: all they may do to it now; `grants`: what they hold beyond it."""

    member_id: str
    name: str
    email: str
    role: str
    is_owner: bool
    is_backup: bool
    is_last_resort: bool
    grants: tuple[GrantFacts, ...]
    actions: tuple[Action, ...]


def grants_on(session: Session, viewer: Principal, agent: str) -> list[GrantFacts]:
    """Return the grants on an agent, by the holder's name.

    Raises:
        NotFound: this workspace has no such agent.
    """
    return _grants(session, agent_for(session, viewer, agent, "agent.read"))


def access_to(session: Session, viewer: Principal, agent: str) -> list[AccessFacts]:
    """Return everybody with something of their own to do with an agent: its owner and backup, who holds a grant, and
    the owner of last resort. What roles allow on every agent, the table of roles tells.

    Raises:
        NotFound: this workspace has no such agent.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    grants = _grants(session, row)
    last_resort = session.scalar(select(Workspace.last_resort_id).where(Workspace.id == row.workspace_id))
    wanted = {row.owner_id, row.backup_id, last_resort, *(grant.member_id for grant in grants)} - {None}
    people = session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(Member.workspace_id == row.workspace_id, Member.id.in_(sorted(wanted, key=str)))
        .where(Member.state == "active")
        .order_by(Person.name, Member.id)
    ).all()
    pairs = [(member, person) for member, person in people]
    return [
        AccessFacts(
            member_id=they.id,
            name=they.name,
            email=person.email,
            role=they.role,
            is_owner=they.id == row.owner_id,
            is_backup=they.id == row.backup_id,
            is_last_resort=they.is_last_resort,
            grants=tuple(grant for grant in grants if grant.member_id == they.id),
            actions=tuple(action for action in SHOWN if may_on(they, row, action)),
        )
        for (_, person), they in zip(pairs, principals_of(session, pairs), strict=True)
    ]


def may_on(principal: Principal, agent: Agent, action: Action, place: Place | None = None) -> bool:
    """Return whether somebody may do `action` to an agent; for showing, and for naming who can."""
    return can(principal, action, owners=(agent.owner_id, agent.backup_id), agent_id=agent.id, place=place)


def who_may_deploy(
    session: Session, agent: Agent, place: Place, *, without: Iterable[str] = (), size: int = 5
) -> list[str]:
    """Return the names of some members who may make a revision of an agent live in an environment.

    Args:
        without: ids of members who may not, for another reason.
    """
    roles = [role for role, table in PERMISSIONS.items() if table.get("agent.deploy") == "all"]
    own = select(CustomRole.slug).where(
        CustomRole.workspace_id == agent.workspace_id, CustomRole.permissions["agent.deploy"].as_string() == "all"
    )
    granted = select(AgentGrant.holder_id).where(
        AgentGrant.agent_id == agent.id, AgentGrant.level.in_(levels_with("agent.deploy"))
    )
    mine = [member_id for member_id in (agent.owner_id, agent.backup_id) if member_id]
    rows = session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(Member.workspace_id == agent.workspace_id, Member.state == "active", Member.id.not_in(sorted(without)))
        .where(or_(Member.role.in_(roles), Member.role.in_(own), Member.id.in_(granted), Member.id.in_(mine)))
        .order_by(Person.name, Member.id)
        .limit(100)
    ).all()
    people = principals_of(session, [(member, person) for member, person in rows])
    return [they.name for they in people if may_on(they, agent, "agent.deploy", place)][:size]


def actions_of(levels: Iterable[Level]) -> tuple[Action, ...]:
    """Return what some levels allow together, in the table's order."""
    allowed = frozenset[Action]().union(*(LEVEL_ACTIONS[level] for level in levels))
    return tuple(action for action in ACTIONS if action in allowed)


def _grants(session: Session, agent: Agent) -> list[GrantFacts]:
    rows = session.execute(
        select(AgentGrant, Person.name)
        .join(Member, Member.id == AgentGrant.holder_id)
        .join(Person, Person.id == Member.person_id)
        .where(AgentGrant.agent_id == agent.id, Member.state == "active")
        .order_by(Person.name, Member.id, AgentGrant.id)
        .limit(GRANTS_MAX)
    )
    return [
        GrantFacts(grant.id, grant.holder_id, name, grant.level, grant.granted_by_name, grant.granted_at)
        for grant, name in rows
        if grant.level in LEVELS
    ]
