"""Roles a workspace makes for itself. No role reaches further than whoever makes, changes or hands it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.kit.text import is_slug, storable
from signoff.people.access import Principal, authorize, beyond
from signoff.people.custom_roles import (
    ROLES_MAX,
    carriers,
    is_built_in,
    is_known_role,
    known_permissions,
    permissions_of,
)
from signoff.people.emails import clean_name
from signoff.people.roles import ACTIONS, FLOOR, OWNABLE, OWNER_ONLY, ROLES, Action, Reach
from signoff.record import audit
from signoff.tables.people import CustomRole, Workspace

SLUG_CHARS_MAX = 32
DESCRIPTION_CHARS_MAX = 500
# Words other products use for roles of ours; a role of that name would mean two things in `x-user-role`.
_TAKEN = frozenset((*ROLES, "admin", "provider", "system", "nobody", "new"))


def create_role(
    session: Session,
    principal: Principal,
    *,
    slug: str,
    name: str,
    description: str = "",
    permissions: Mapping[str, str],
) -> str:
    """Make a role; return its slug, which stays for ever.

    Raises:
        Malformed: the slug cannot be used, or a permission is none.
        NotAllowed: it would reach further than the caller.
        NotNow: there is a role of that slug, or there are as many as a workspace may have.
    """
    authorize(principal, "role.manage")
    if not is_slug(slug) or len(slug) > SLUG_CHARS_MAX or slug in _TAKEN:
        text = f"small letters, digits, hyphens; a letter first; at most {SLUG_CHARS_MAX}; not one of our own words"
        raise Malformed(f"{slug[:80]!r} cannot name a role.", errors={"slug": [text]})
    wanted = _checked(principal, permissions)
    session.execute(select(Workspace.id).where(Workspace.id == principal.workspace_id).with_for_update())
    here = CustomRole.workspace_id == principal.workspace_id
    if session.scalar(select(CustomRole.id).where(here, CustomRole.slug == slug)):
        raise NotNow(f"There is a role called {slug} already. Change that one, or choose another slug.")
    if (session.scalar(select(func.count()).select_from(CustomRole).where(here)) or 0) >= ROLES_MAX:
        raise NotNow(f"A workspace has at most {ROLES_MAX} roles of its own. Delete one that nobody carries.")
    moment = clock.now()
    row = CustomRole(
        id=ids.new_id("rol"),
        workspace_id=principal.workspace_id,
        slug=slug,
        name=clean_name(name),
        description=_description(description),
        permissions=dict(wanted),
        created_by=principal.id,
        created_at=moment,
        changed_at=moment,
    )
    session.add(row)
    session.flush()
    _note(session, principal, "role.created", row, {"permissions": dict(wanted)})
    return slug


def edit_role(
    session: Session,
    principal: Principal,
    slug: str,
    *,
    name: str | None = None,
    description: str | None = None,
    permissions: Mapping[str, str] | None = None,
) -> bool:
    """Change a role; return whether anything changed. It holds for everybody who carries it from the next request on.

    Raises:
        NotAllowed: the role reaches further than the caller, before or after; or it is a built-in one.
        NotFound: this workspace has no such role.
    """
    authorize(principal, "role.manage")
    row = _role_to_change(session, principal, slug)
    before = {"name": row.name, "description": row.description, "permissions": dict(row.permissions)}
    if name is not None:
        row.name = clean_name(name)
    if description is not None:
        row.description = _description(description)
    if permissions is not None:
        row.permissions = {**_checked(principal, permissions)}
    after = {"name": row.name, "description": row.description, "permissions": dict(row.permissions)}
    if before == after:
        return False
    row.changed_at = clock.now()
    session.flush()
    changed = sorted(field for field in after if after[field] != before[field])
    detail: dict[str, Any] = {"fields": changed}
    if "permissions" in changed:
        detail |= {"permissions": after["permissions"], "before": before["permissions"]}
    _note(session, principal, "role.edited", row, detail)
    return True


def delete_role(session: Session, principal: Principal, slug: str) -> None:
    """Delete a role that nobody carries.

    Raises:
        NotNow: somebody carries it; the refusal names who.
    """
    authorize(principal, "role.manage")
    row = _role_to_change(session, principal, slug)
    held = carriers(session, principal.workspace_id, slug)
    if held:
        names = ", ".join(held[:5]) + (" and others" if len(held) > 5 else "")
        raise NotNow(
            f"The role {row.name} is carried by {names}. Give them another role first, then delete it.",
            code="role_in_use",
            extra={"held_by": held},
        )
    session.execute(delete(CustomRole).where(CustomRole.id == row.id))
    _note(session, principal, "role.deleted", row, {"permissions": dict(row.permissions)})


def checked_role(session: Session, principal: Principal, role: str) -> str:
    """Return a role the caller may hand out.

    Raises:
        Malformed: this workspace has no such role.
        NotAllowed: it reaches further than the caller.
    """
    if not is_known_role(session, principal.workspace_id, role):
        raise Malformed(
            f"{role[:40]!r} is not a role of this workspace.",
            errors={"role": [f"one of: {', '.join(ROLES)}, or a role of this workspace"]},
        )
    _stay_below(principal, role, permissions_of(session, principal.workspace_id, role))
    return role


def _stay_below(principal: Principal, role: str, permissions: Mapping[Action, Reach]) -> None:
    further = beyond(principal, permissions, is_theirs=False)
    if "owner.manage" in further:
        raise NotAllowed("Only an owner makes owners.", extra={"required": "owner.manage", "role": principal.role})
    if further:
        raise NotAllowed(
            f"The role {role} reaches further than yours: {', '.join(further)}. "
            "Somebody who may do all of that hands it out.",
            extra={"required": sorted(further), "role": principal.role},
        )


def _role_to_change(session: Session, principal: Principal, slug: str) -> CustomRole:
    if is_built_in(slug):
        raise NotAllowed(
            "The six built-in roles are the same everywhere. Make a role of your own, and give it what you need.",
            extra={"required": "role.manage", "role": principal.role},
        )
    # Whoever hands the role out in this moment waits, or is found by whoever deletes it.
    session.execute(select(Workspace.id).where(Workspace.id == principal.workspace_id).with_for_update())
    row = session.scalar(
        select(CustomRole)
        .where(CustomRole.workspace_id == principal.workspace_id, CustomRole.slug == slug)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound("There is no such role in this workspace. The list of roles shows their names.")
    _stay_below(principal, slug, known_permissions(row.permissions))
    return row


def _checked(principal: Principal, permissions: Mapping[str, str]) -> dict[Action, Reach]:
    unknown = sorted({str(action)[:40] for action in permissions if action not in ACTIONS})
    if unknown:
        raise Malformed(
            f"Not an action: {', '.join(unknown[:10])}.", errors={"permissions": [f"only: {', '.join(ACTIONS)}"]}
        )
    kept = OWNER_ONLY & set(permissions)
    if kept:
        raise NotAllowed(
            f"Only owners have {', '.join(sorted(kept))}; no other role can.",
            extra={"required": sorted(kept), "role": principal.role},
        )
    wrong = {
        action: far for action, far in permissions.items() if far != "all" and not (far == "own" and action in OWNABLE)
    }
    if wrong:
        told = ", ".join(f"{action}: {str(far)[:20]}" for action, far in sorted(wrong.items())[:10])
        raise Malformed(
            f"A permission is all, or own where a thing can be somebody's own. Not: {told}.",
            errors={"permissions": sorted(wrong)},
        )
    found = known_permissions(permissions)
    _stay_below(principal, "you describe", found)
    return {**FLOOR, **found}


def _description(text: str) -> str:
    found = storable(text).strip()
    if len(found) > DESCRIPTION_CHARS_MAX:
        words = f"at most {DESCRIPTION_CHARS_MAX} characters"
        raise Malformed(f"A description has {words}.", errors={"description": [words]})
    return found


def _note(session: Session, principal: Principal, action: str, row: CustomRole, detail: Mapping[str, Any]) -> None:
    audit.note(session, principal, action, "role", row.id, {"role": row.slug, **detail})
