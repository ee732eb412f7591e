"""From rows to the caller of an action."""

from __future__ import annotations

from signoff.kit.errors import NotAllowed
from signoff.people.access import Principal
from signoff.people.roles import ROLES, Role
from signoff.tables.people import ApiKey, Member, Person, Workspace


def role_of(text: str) -> Role:
    """Return the role a row names. A word this release does not know grants the least."""
    return text if text in ROLES else "viewer"


class WorkspaceSuspended(NotAllowed):
    """An instance administrator shut the workspace: nobody gets in, and no run starts."""


def refuse_suspended(workspace: Workspace) -> None:
    """Return quietly while the workspace works.

    Raises:
        WorkspaceSuspended: with the reason that was given.
    """
    if workspace.suspended_at is not None:
        reason = f" The reason: {workspace.suspended_reason}" if workspace.suspended_reason else ""
        raise WorkspaceSuspended(
            f"The workspace {workspace.name} is suspended: nobody gets in, and no run starts.{reason} "
            "Ask an administrator of this installation to resume it.",
            code="workspace_suspended",
        )


def principal_of_member(member: Member, person: Person) -> Principal:
    """Return the caller a member is."""
    return Principal("member", member.id, person.name, member.workspace_id, role_of(member.role), person_id=person.id)


def principal_of_key_row(key: ApiKey) -> Principal:
    """Return the caller an API key is."""
    return Principal(
        "key",
        key.id,
        key.name,
        key.workspace_id,
        role_of(key.role),
        scopes=frozenset(str(scope) for scope in key.scopes) or None,
        environment_id=key.environment_id,
    )
