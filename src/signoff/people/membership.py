"""From rows to the caller of an action."""

from __future__ import annotations

from dataclasses import replace

from signoff.kit.text import shortened
from signoff.people.access import Principal
from signoff.people.roles import ROLES, Role
from signoff.tables.people import ApiKey, Member, Person, ServiceAccount

_NAME_CHARS_MAX = 200


def role_of(text: str) -> Role:
    """Return the role a row names. A word this release does not know grants the least."""
    return text if text in ROLES else "viewer"


def principal_of_member(member: Member, person: Person) -> Principal:
    """Return the caller a member is."""
    return Principal("member", member.id, person.name, member.workspace_id, role_of(member.role), person_id=person.id)


def principal_of_key_row(
    key: ApiKey, member: Member | None, owner_name: str, account: ServiceAccount | None
) -> Principal:
    """Return the caller an API key is: its member or its service account, with no more than they may do at present."""
    scopes = frozenset(str(scope) for scope in key.scopes) or None
    caller = Principal(
        "key",
        key.id,
        key.name,
        key.workspace_id,
        role_of(key.role),
        scopes=scopes,
        environment_id=key.environment_id,
        key_id=key.id,
    )
    if account is not None:
        # The account's binding holds for its keys also if one says nothing of it.
        place = key.environment_id or account.environment_id
        caller = replace(caller, kind="service_account", id=account.id, name=account.name, environment_id=place)
        return caller.under(role_of(account.role))
    if member is not None:
        name = shortened(f"{owner_name}, key {key.name}", _NAME_CHARS_MAX)
        return replace(caller, id=member.id, name=name).under(role_of(member.role))
    return caller
