"""Giving somebody a level on one agent, and taking it back."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from signoff.agents.actions.noted import note
from signoff.agents.grants import GRANTS_MAX, HolderKind, actions_of, may_on
from signoff.agents.lookup import account_of, agent_for, member_of
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.people.levels import LEVELS, Level
from signoff.tables.agents import Agent, AgentGrant

_WORDS: dict[HolderKind, str] = {"member": "member", "service_account": "service account"}


def give_grant(
    session: Session,
    principal: Principal,
    agent_id: str,
    *,
    level: str,
    member_id: str | None = None,
    service_account: str | None = None,
) -> str:
    """Let a member or a service account do what a level includes on one agent, from the next request on; return the
    grant's id. An account's keys do no more than their own role and scopes allow, as with everything else.

    Args:
        service_account: a slug, in place of a member.

    Raises:
        NotAllowed: the caller may not share the agent, or may not do all of it themselves.
        Malformed: there is no such level, member or account; or both or neither are named.
        NotNow: the holder has it already, or the agent has as many grants as it may have.
    """
    # The lock makes two who share at the same moment take turns, so that the second is told.
    agent = agent_for(session, principal, agent_id, "agent.share", lock=True)
    if level not in LEVELS:
        raise Malformed(f"{level[:40]!r} is not a level.", errors={"level": [f"one of: {', '.join(LEVELS)}"]})
    kind, holder = _holder(session, agent, member_id, service_account)
    _stay_within(principal, agent, level)
    held = select(AgentGrant.id).where(AgentGrant.agent_id == agent.id)
    if session.scalar(held.where(AgentGrant.holder_id == holder, AgentGrant.level == level)):
        raise NotNow(f"This {_WORDS[kind]} is {_a(level)} of {agent.slug} already.", code="granted_already")
    if (session.scalar(select(func.count()).select_from(held.subquery())) or 0) >= GRANTS_MAX:
        raise NotNow(f"An agent has at most {GRANTS_MAX} grants. Give a role to those who work on many agents.")
    row = AgentGrant(
        id=ids.new_id("grt"),
        workspace_id=agent.workspace_id,
        agent_id=agent.id,
        holder_kind=kind,
        holder_id=holder,
        level=level,
        granted_by=principal.id,
        granted_by_name=principal.name,
        granted_at=clock.now(),
    )
    session.add(row)
    session.flush()
    note(session, principal, agent, "grant.given", {"grant": row.id, kind: holder, "level": level})
    return row.id


def take_grant(session: Session, principal: Principal, agent_id: str, grant_id: str) -> None:
    """Take a grant back, from the next request on.

    Raises:
        NotFound: the agent has no such grant (any more).
        NotAllowed: the caller may not share the agent, or could not have given this level.
    """
    agent = agent_for(session, principal, agent_id, "agent.share", lock=True)
    row = session.scalar(select(AgentGrant).where(AgentGrant.id == grant_id, AgentGrant.agent_id == agent.id))
    if row is None:
        raise NotFound("This agent has no such grant. It may have been taken back already.")
    if row.level in LEVELS:
        _stay_within(principal, agent, row.level)
    session.execute(delete(AgentGrant).where(AgentGrant.id == row.id))
    detail = {"grant": row.id, row.holder_kind: row.holder_id, "level": row.level}
    note(session, principal, agent, "grant.taken", detail)


def _holder(
    session: Session, agent: Agent, member_id: str | None, service_account: str | None
) -> tuple[HolderKind, str]:
    if (member_id is None) == (service_account is None):
        sentence = "Name a member or a service account, one of them."
        raise Malformed(sentence, errors={"member_id": [sentence]})
    if service_account is not None:
        return "service_account", account_of(session, agent.workspace_id, service_account)
    return "member", str(member_of(session, agent.workspace_id, member_id, "member"))


def _stay_within(principal: Principal, agent: Agent, level: Level) -> None:
    further = [action for action in actions_of((level,)) if not may_on(principal, agent, action)]
    if further:
        raise NotAllowed(
            f"The level {level} includes what you may not do on {agent.slug}: {', '.join(further)}. "
            "Somebody who may do all of it gives it or takes it back.",
            extra={"required": further, "role": principal.role},
        )


def _a(level: str) -> str:
    return f"{'an' if level[0] in 'aeo' else 'a'} {level}"
