"""Roles as data: the six that are built in, and those a workspace made for itself. What does a role word allow here?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotFound
from signoff.people.access import Principal, authorize
from signoff.people.roles import ACTIONS, OWNABLE, OWNER_ONLY, PERMISSIONS, ROLES, Action, Reach
from signoff.tables.people import ApiKey, CustomRole, Member, Person

# A workspace has at most this many roles of its own.
ROLES_MAX = 50
NOTHING: Mapping[Action, Reach] = {}


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """One role. `name` and `description` of a built-in one are its word; pages have better ones.

    `members` and `keys`: how many active ones carry it.
    """

    slug: str
    name: str
    description: str
    is_built_in: bool
    permissions: Mapping[Action, Reach]
    members: int
    keys: int


def is_built_in(role: str) -> bool:
    """Return whether a word names one of the six roles every workspace has."""
    return role in ROLES


def built_in_permissions(role: str) -> Mapping[Action, Reach] | None:
    """Return what a built-in role allows; None for any other word."""
    return PERMISSIONS[role] if role in ROLES else None


def permissions_of(session: Session, workspace_id: str, role: str) -> Mapping[Action, Reach]:
    """Return what a role allows in a workspace. A word that names no role there allows nothing."""
    found = built_in_permissions(role)
    return stored_permissions(session, workspace_id, {role}).get(role, NOTHING) if found is None else found


def stored_permissions(session: Session, workspace_id: str, slugs: set[str]) -> dict[str, Mapping[Action, Reach]]:
    """Return what some of a workspace's own roles allow, by slug."""
    rows = session.execute(
        select(CustomRole.slug, CustomRole.permissions).where(
            CustomRole.workspace_id == workspace_id, CustomRole.slug.in_(slugs)
        )
    )
    return {row.slug: known_permissions(row.permissions) for row in rows}


def known_permissions(stored: Mapping[str, Any]) -> dict[Action, Reach]:
    """Return what this release understands of stored permissions, in the table's order. It never widens anything."""
    found: dict[Action, Reach] = {}
    for action in ACTIONS:
        far = stored.get(action)
        if action in OWNER_ONLY or (far != "all" and not (far == "own" and action in OWNABLE)):
            continue
        found[action] = far
    return found


def is_known_role(session: Session, workspace_id: str, role: str) -> bool:
    """Return whether a workspace has a role: a built-in one, or one of its own."""
    if is_built_in(role):
        return True
    query = select(CustomRole.id).where(CustomRole.workspace_id == workspace_id, CustomRole.slug == role)
    return session.scalar(query) is not None


def roles(session: Session, viewer: Principal) -> list[RoleFacts]:
    """Return every role of the viewer's workspace: the built-in ones from the most to the least, then its own by name.

    Raises:
        NotAllowed: the viewer may not see the roles.
    """
    authorize(viewer, "role.read")
    own = session.scalars(
        select(CustomRole)
        .where(CustomRole.workspace_id == viewer.workspace_id)
        .order_by(CustomRole.name, CustomRole.slug)
        .limit(ROLES_MAX)
    ).all()
    members, keys = _carried(session, viewer.workspace_id)
    found = [
        RoleFacts(role, role, "", True, PERMISSIONS[role], members.get(role, 0), keys.get(role, 0)) for role in ROLES
    ]
    return [*found, *(_facts(row, members.get(row.slug, 0), keys.get(row.slug, 0)) for row in own)]


def role(session: Session, viewer: Principal, slug: str) -> RoleFacts:
    """Return one role.

    Raises:
        NotFound: this workspace has no such role.
    """
    found = next((one for one in roles(session, viewer) if one.slug == slug), None)
    if found is None:
        raise NotFound("There is no such role in this workspace. The list of roles shows their names.")
    return found


def role_names(session: Session, viewer: Principal) -> dict[str, str]:
    """Return slug → name of the workspace's own roles; for whoever sees who carries one."""
    rows = session.execute(
        select(CustomRole.slug, CustomRole.name).where(CustomRole.workspace_id == viewer.workspace_id).limit(ROLES_MAX)
    )
    return {row.slug: row.name for row in rows}


def carriers(session: Session, workspace_id: str, slug: str, *, size: int = 5) -> list[str]:
    """Return the names of some who carry a role: active members, then keys that are not revoked."""
    people = session.scalars(
        select(Person.name)
        .join(Member, Member.person_id == Person.id)
        .where(Member.workspace_id == workspace_id, Member.role == slug, Member.state == "active")
        .order_by(Person.name)
        .limit(size)
    ).all()
    keys = session.scalars(
        select(ApiKey.name)
        .where(ApiKey.workspace_id == workspace_id, ApiKey.role == slug, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.name)
        .limit(size)
    ).all()
    return [*people, *(f"the key {name}" for name in keys)]


def _carried(session: Session, workspace_id: str) -> tuple[dict[str, int], dict[str, int]]:
    members = session.execute(
        select(Member.role, func.count())
        .where(Member.workspace_id == workspace_id, Member.state == "active")
        .group_by(Member.role)
    )
    keys = session.execute(
        select(ApiKey.role, func.count())
        .where(ApiKey.workspace_id == workspace_id, ApiKey.revoked_at.is_(None))
        .group_by(ApiKey.role)
    )
    return {row[0]: row[1] for row in members}, {row[0]: row[1] for row in keys}


def _facts(row: CustomRole, members: int, keys: int) -> RoleFacts:
    return RoleFacts(row.slug, row.name, row.description, False, known_permissions(row.permissions), members, keys)
