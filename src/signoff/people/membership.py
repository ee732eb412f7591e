"""From rows to the caller of an action: role, grants, and whether they are the owner of last resort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotAllowed
from signoff.kit.text import shortened
from signoff.people.access import Principal
from signoff.people.custom_roles import (
    NOTHING,
    built_in_permissions,
    is_built_in,
    permissions_of,
    stored_permissions,
)
from signoff.people.levels import LEVELS, Level
from signoff.people.roles import ADMINISTRATORS
from signoff.tables.agents import AgentGrant
from signoff.tables.people import ApiKey, Member, Person, ServiceAccount, Workspace
from signoff.tables.prepared import Prepared

_NONE: frozenset[Level] = frozenset()
_NAME_CHARS_MAX = 200
# Built once: they are asked with every request.
_LAST_RESORT = Prepared(select(Workspace.last_resort_id).where(Workspace.id == bindparam("of_workspace")))
_SHUT = Prepared(
    select(Workspace.name, Workspace.suspended_at, Workspace.suspended_reason).where(
        Workspace.id == bindparam("of_workspace")
    )
)
_GRANTS = Prepared(
    select(AgentGrant.holder_id, AgentGrant.agent_id, AgentGrant.level).where(
        AgentGrant.workspace_id == bindparam("of_workspace"), AgentGrant.holder_id == bindparam("of_holder")
    )
)


class WorkspaceSuspended(NotAllowed):
    """An instance administrator shut the workspace: nobody gets in, and no run starts."""


def refuse_suspended(workspace: Workspace) -> None:
    """Return quietly while the workspace works.

    Raises:
        WorkspaceSuspended: with the reason that was given.
    """
    if workspace.suspended_at is not None:
        raise _suspended(workspace.name, workspace.suspended_reason)


def refuse_if_suspended(session: Session, workspace_id: str) -> None:
    """Return quietly while the workspace with this id works.

    Raises:
        WorkspaceSuspended: with the reason that was given.
    """
    found = _SHUT.first(session, {"of_workspace": workspace_id})
    if found is not None and found.suspended_at is not None:
        raise _suspended(found.name, found.suspended_reason)


def _suspended(name: str, reason: str | None) -> WorkspaceSuspended:
    why = f" The reason: {reason}" if reason else ""
    return WorkspaceSuspended(
        f"The workspace {name} is suspended: nobody gets in, and no run starts.{why} "
        "Ask an administrator of this installation to resume it.",
        code="workspace_suspended",
    )


def principal_of_member(session: Session, member: Member, person: Person, *, is_bound: bool = False) -> Principal:
    """Return the caller a member is, as of now; `is_bound` when their session reaches this workspace only."""
    return replace(principals_of(session, [(member, person)])[0], is_bound=is_bound)


def principals_of(session: Session, people: Sequence[tuple[Member, Person]]) -> list[Principal]:
    """Return the callers that some members of one workspace are, in at most three queries."""
    if not people:
        return []
    workspace_id = people[0][0].workspace_id
    own_roles = {member.role for member, _ in people if not is_built_in(member.role)}
    permissions = stored_permissions(session, workspace_id, own_roles) if own_roles else {}
    grants = grants_of(session, workspace_id, [member.id for member, _ in people])
    last_resort = None
    if any(member.role in ADMINISTRATORS for member, _ in people):
        last_resort = _LAST_RESORT.scalar(session, {"of_workspace": workspace_id})
    return [
        Principal(
            "member",
            member.id,
            person.name,
            workspace_id,
            member.role,
            person_id=person.id,
            permissions=built_in_permissions(member.role) or permissions.get(member.role, NOTHING),
            grants=grants.get(member.id, {}),
            is_last_resort=member.role in ADMINISTRATORS and member.id == last_resort,
        )
        for member, person in people
    ]


def principals_of_accounts(session: Session, accounts: Sequence[ServiceAccount]) -> list[Principal]:
    """Return the callers that some service accounts of one workspace are, before what a key of theirs takes away."""
    if not accounts:
        return []
    workspace_id = accounts[0].workspace_id
    grants = grants_of(session, workspace_id, [account.id for account in accounts])
    roles = {account.role: permissions_of(session, workspace_id, account.role) for account in accounts}
    return [
        Principal(
            "service_account",
            account.id,
            account.name,
            workspace_id,
            account.role,
            environment_id=account.environment_id,
            permissions=roles[account.role],
            grants=grants.get(account.id, {}),
        )
        for account in accounts
    ]


def principal_of_key_row(
    session: Session, key: ApiKey, member: Member | None, person: Person | None, account: ServiceAccount | None
) -> Principal:
    """Return the caller an API key is: its member or its service account, with no more than they may do at present."""
    scopes = frozenset(str(scope) for scope in key.scopes) or None
    allowed = permissions_of(session, key.workspace_id, key.role)
    if account is not None:
        caller = replace(
            principals_of_accounts(session, [account])[0],
            scopes=scopes,
            # The account's binding holds for its keys also if one says nothing of it.
            environment_id=key.environment_id or account.environment_id,
            key_id=key.id,
        )
        return caller.under(key.role, allowed)
    if member is not None and person is not None:
        caller = replace(
            principal_of_member(session, member, person),
            kind="key",
            name=shortened(f"{person.name}, key {key.name}", _NAME_CHARS_MAX),
            scopes=scopes,
            environment_id=key.environment_id,
            key_id=key.id,
            # In an emergency a person acts, not a program.
            is_last_resort=False,
        )
        return caller.under(key.role, allowed)
    return Principal(
        "key",
        key.id,
        key.name,
        key.workspace_id,
        key.role,
        scopes=scopes,
        environment_id=key.environment_id,
        key_id=key.id,
        permissions=allowed,
    )


def grants_of(session: Session, workspace_id: str, holder_ids: Sequence[str]) -> dict[str, dict[str, frozenset[Level]]]:
    """Return holder → agent id → the levels held on it. A word this release does not know grants nothing."""
    if len(holder_ids) == 1:
        rows = _GRANTS.all(session, {"of_workspace": workspace_id, "of_holder": holder_ids[0]})
    else:
        rows = session.execute(
            select(AgentGrant.holder_id, AgentGrant.agent_id, AgentGrant.level).where(
                AgentGrant.workspace_id == workspace_id, AgentGrant.holder_id.in_(holder_ids)
            )
        )
    found: dict[str, dict[str, frozenset[Level]]] = {}
    for holder_id, agent_id, level in rows:
        if level in LEVELS:
            held = found.setdefault(holder_id, {})
            held[agent_id] = held.get(agent_id, _NONE) | frozenset[Level]((level,))
    return found
