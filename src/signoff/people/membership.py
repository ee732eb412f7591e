"""From rows to the caller of an action."""

from __future__ import annotations

from signoff.people.access import Principal
from signoff.people.roles import ROLES, Role
from signoff.tables.people import ApiKey, Member, Person


def role_of(text: str) -> Role:
    """Return the role a row names. A word this release does not know grants the least."""
    return text if text in ROLES else "viewer"


def principal_of_member(member: Member, person: Person, *, is_bound: bool = False) -> Principal:
    """Return the caller a member is; `is_bound` when their session reaches this workspace only."""
    role = role_of(member.role)
    return Principal(
        "member", member.id, person.name, member.workspace_id, role, person_id=person.id, is_bound=is_bound
    )


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
