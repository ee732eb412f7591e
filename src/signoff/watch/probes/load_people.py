"""Who answers for an agent, what it may spend, and what is told about it."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from signoff.agents.ownership import ownership_of
from signoff.people.access import Principal
from signoff.people.roles import PERMISSIONS
from signoff.tables.agents import Agent
from signoff.tables.limits import BudgetLimit
from signoff.tables.notices import NoticeChannel
from signoff.tables.ownership import Handover
from signoff.tables.people import Member, Workspace
from signoff.tables.watch import Alert
from signoff.watch.probes.facts import LimitFact, People

_ALERTS_MAX = 200


def people_of(session: Session, viewer: Principal, agent: Agent) -> People:
    """Return who there is."""
    owners = ownership_of(session, viewer, agent.id).owners
    roles = [role for role, table in PERMISSIONS.items() if table.get("agent.disable") == "all"]
    own = [member_id for member_id in (agent.owner_id, agent.backup_id) if member_id]
    may_pause = session.scalar(
        select(func.count())
        .select_from(Member)
        .where(Member.workspace_id == agent.workspace_id, Member.state == "active")
        .where(or_(Member.role.in_(roles), Member.id.in_(own)))
    )
    last_resort = session.scalar(
        select(Member.id)
        .join(Workspace, Workspace.last_resort_id == Member.id)
        .where(Workspace.id == agent.workspace_id, Member.state == "active")
    )
    holders = [one.member_id for one in owners if one.state == "accepted"]
    channels = session.scalar(
        select(func.count())
        .select_from(NoticeChannel)
        .where(
            NoticeChannel.workspace_id == agent.workspace_id,
            or_(NoticeChannel.agent_id == agent.id, NoticeChannel.member_id.in_(holders)),
        )
    )
    handover = session.scalar(select(Handover.started_at).where(Handover.open_key == agent.id))
    return People(owners, may_pause or 0, last_resort is not None, handover, channels or 0)


def limits_of(session: Session, agent: Agent, environment_id: str) -> list[LimitFact]:
    """Return the limits of money that somebody set, and that count what this agent spends here."""
    rows = session.scalars(
        select(BudgetLimit).where(BudgetLimit.target_id.in_([agent.id, environment_id, agent.workspace_id]))
    )
    return [
        LimitFact(row.scope, row.period, row.covers, row.cap_usd, row.alert_percent, row.is_hard)
        for row in rows
        if row.covers != "test"
    ]


def open_alerts(session: Session, agent: Agent) -> list[tuple[str, str]]:
    """Return kind and text of the open alerts about an agent, or about no single one."""
    rows = session.execute(
        select(Alert.kind, Alert.text)
        .where(Alert.workspace_id == agent.workspace_id, Alert.open_key.is_not(None))
        .where(or_(Alert.agent_id == agent.id, Alert.agent_id.is_(None)))
        .order_by(Alert.id.desc())
        .limit(_ALERTS_MAX)
    )
    return [(row.kind, row.text) for row in rows]
