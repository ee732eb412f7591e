"""Which agents may use a secret. The other gate is the revision, which must list it; both must be open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.orm import Session

from signoff.connections.secrets.changing import change, checked_reason, note, secret_to_change
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.tables.agents import Agent
from signoff.tables.connections import Secret, SecretGrant
from signoff.tables.upsert import insert_into

GRANTS_MAX = 500


def grant_secret(session: Session, principal: Principal, secret_id: str, agent: str, *, reason: str = "") -> None:
    """Let an agent, by its id or its name in addresses, use a secret. Harmless when it may already.

    Raises:
        NotFound: there is no such agent in this workspace.
        NotNow: more agents than anybody could oversee have it.
    """
    row = secret_to_change(session, principal, secret_id)
    why = checked_reason(row, reason)
    agent_id = _agent_of(session, row, agent)
    if _add(session, principal, row, agent_id):
        note(session, principal, row, "secret.granted", agent=agent_id, reason=why)


def withdraw_secret(session: Session, principal: Principal, secret_id: str, agent: str, *, reason: str = "") -> None:
    """Take a secret from an agent, from its next call on. Always allowed to whoever may change the secret.

    Raises:
        NotFound: there is no such agent in this workspace.
        NotNow: the agent does not have it.
    """
    row = secret_to_change(session, principal, secret_id)
    agent_id = _agent_of(session, row, agent)
    gone = session.execute(delete(SecretGrant).where(SecretGrant.secret_id == row.id, SecretGrant.agent_id == agent_id))
    if not cast("CursorResult[object]", gone).rowcount:
        raise NotNow("This agent does not have the secret.", code="secret_not_granted")
    note(session, principal, row, "secret.withdrawn", agent=agent_id, reason=reason[:500])


def close_secret(session: Session, principal: Principal, secret_id: str, *, reason: str = "") -> None:
    """End that every agent may use it, which holds for what a release before grants made: only those granted may.

    Raises:
        NotNow: it is closed already.
    """
    row = secret_to_change(session, principal, secret_id)
    why = checked_reason(row, reason)
    if not row.is_open_to_all:
        raise NotNow("Only the agents it is granted to may use this secret already.", code="secret_closed")
    change(session, row, {"is_open_to_all": False})
    note(session, principal, row, "secret.closed", reason=why)


def add_grants(session: Session, principal: Principal, row: Secret, agents: Iterable[str]) -> None:
    """Grant a new secret to agents.

    Raises:
        Malformed: one of them is not an agent of this workspace.
    """
    for agent in dict.fromkeys(agents):
        try:
            agent_id = _agent_of(session, row, agent)
        except NotFound as error:
            raise Malformed(error.detail, errors={"agents": [error.detail]}) from error
        if _add(session, principal, row, agent_id):
            note(session, principal, row, "secret.granted", agent=agent_id)


def _agent_of(session: Session, row: Secret, agent: str) -> str:
    found = session.scalar(
        select(Agent.id).where(Agent.workspace_id == row.workspace_id, (Agent.id == agent) | (Agent.slug == agent))
    )
    if found is None:
        raise NotFound("There is no such agent in this workspace.")
    return found


def _add(session: Session, principal: Principal, row: Secret, agent_id: str) -> bool:
    count = session.scalar(select(func.count()).where(SecretGrant.secret_id == row.id)) or 0
    if count >= GRANTS_MAX:
        raise NotNow(f"{GRANTS_MAX} agents have this secret. Withdraw it from one first.", code="too_many_grants")
    added = session.execute(
        insert_into(session, SecretGrant)
        .values(
            secret_id=row.id,
            agent_id=agent_id,
            workspace_id=row.workspace_id,
            granted_by=principal.id,
            granted_by_name=principal.name,
            granted_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["secret_id", "agent_id"])
        # Not every driver counts the rows of such an insert.
        .returning(SecretGrant.agent_id)
    )
    return added.one_or_none() is not None
