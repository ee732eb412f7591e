"""Who may do what on one agent, and why: by role, as owner or backup, by a grant, as the owner of last resort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.people.access import Place, Principal, can
from signoff.people.levels import LEVEL_ACTIONS, LEVELS, Level, levels_with
from signoff.people.membership import principals_of, principals_of_accounts
from signoff.people.roles import ACTIONS, PERMISSIONS, Action
from signoff.tables.agents import Agent, AgentGrant
from signoff.tables.people import CustomRole, Member, Person, ServiceAccount, Workspace

HolderKind = Literal["member", "service_account"]
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
    """One level that somebody holds on an agent: a member, or the service account with this slug."""

    id: str
    member_id: str | None
    name: str
    level: Level
    granted_by_name: str
    granted_at: datetime
    holder_kind: HolderKind = "member"
    service_account: str | None = None


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """One member's access to one agent, or one service account's. `actions`: all they may do to it now; `grants`: what
    they hold beyond their role."""

    member_id: str | None
    name: str
    email: str
    role: str
    is_owner: bool
    is_backup: bool
    is_last_resort: bool
    grants: tuple[GrantFacts, ...]
    actions: tuple[Action, ...]
    service_account: str | None = None


def grants_on(session: Session, viewer: Principal, agent: str) -> list[GrantFacts]:
    """Return the grants on an agent, by the holder's name.

    Raises:
        NotFound: this workspace has no such agent.
    """
    return _grants(session, agent_for(session, viewer, agent, "agent.read"))


def access_to(session: Session, viewer: Principal, agent: str) -> list[AccessFacts]:
    """Return everybody with something of their own to do with an agent: its owner and backup, who holds a grant, and
    the owner of last resort; service accounts after the people. What roles allow on every agent, the table of roles
    tells.

    Raises:
        NotFound: this workspace has no such agent.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    grants = _grants(session, row)
    last_resort = session.scalar(select(Workspace.last_resort_id).where(Workspace.id == row.workspace_id))
    wanted = {row.owner_id, row.backup_id, last_resort, *(one.member_id for one in grants)} - {None}
    people = session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(Member.workspace_id == row.workspace_id, Member.id.in_(sorted(wanted, key=str)))
        .where(Member.state == "active")
        .order_by(Person.name, Member.id)
    ).all()
    pairs = [(member, person) for member, person in people]
    found = [
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
    return found + _accounts(session, row, grants)


def _accounts(session: Session, agent: Agent, grants: Sequence[GrantFacts]) -> list[AccessFacts]:
    slugs = [one.service_account for one in grants if one.service_account]
    rows = session.scalars(
        select(ServiceAccount)
        .where(ServiceAccount.workspace_id == agent.workspace_id, ServiceAccount.slug.in_(sorted(set(slugs))))
        .order_by(ServiceAccount.name, ServiceAccount.id)
    ).all()
    return [
        AccessFacts(
            member_id=None, name=they.name, email="", role=they.role, is_owner=False, is_backup=False,
            is_last_resort=False, grants=tuple(one for one in grants if one.service_account == row.slug),
            actions=tuple(action for action in SHOWN if may_on(they, agent, action)), service_account=row.slug,
        )
        for row, they in zip(rows, principals_of_accounts(session, rows), strict=True)
    ]  # fmt: skip


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
    name = func.coalesce(Person.name, ServiceAccount.name)
    rows = session.execute(
        select(AgentGrant, name, ServiceAccount.slug)
        .outerjoin(Member, and_(AgentGrant.holder_kind == "member", Member.id == AgentGrant.holder_id))
        .outerjoin(Person, Person.id == Member.person_id)
        .outerjoin(
            ServiceAccount,
            and_(AgentGrant.holder_kind == "service_account", ServiceAccount.id == AgentGrant.holder_id),
        )
        .where(AgentGrant.agent_id == agent.id, or_(Member.state == "active", ServiceAccount.state != "deleted"))
        .order_by(name, AgentGrant.holder_id, AgentGrant.id)
        .limit(GRANTS_MAX)
    )
    return [
        GrantFacts(
            id=grant.id, member_id=None if slug else grant.holder_id, name=called, level=grant.level,
            granted_by_name=grant.granted_by_name, granted_at=grant.granted_at,
            holder_kind="service_account" if slug else "member", service_account=slug,
        )
        for grant, called, slug in rows
        if grant.level in LEVELS
    ]  # fmt: skip
