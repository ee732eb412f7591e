"""Service accounts: made, changed, disabled, deleted. Their keys go on whoever leaves, and stop together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.kit.text import is_slug, storable
from signoff.people.access import Principal, authorize, beyond
from signoff.people.emails import clean_name
from signoff.people.roles import PERMISSIONS, ROLES, Role
from signoff.record import audit
from signoff.tables.agents import AgentGrant
from signoff.tables.people import ApiKey, Environment, Member, ServiceAccount

DESCRIPTION_CHARS_MAX = 2_000
ACCOUNTS_MAX = 200
# An owner is a person: somebody has to answer for the workspace.
ACCOUNT_ROLES: tuple[Role, ...] = tuple(role for role in ROLES if role != "owner")
# Stand where an account's slug stands in an address of ours.
_RESERVED = frozenset(("new",))


def create_service_account(
    session: Session,
    principal: Principal,
    *,
    slug: str,
    name: str,
    role: str,
    description: str = "",
    environment: str | None = None,
    contact_id: str | None = None,
) -> str:
    """Make an account; return its id.

    Args:
        environment: a slug; binds the account, and so all its keys, to that environment, for good.
        contact_id: the member to ask about it.

    Raises:
        Malformed: a field does not fit; `errors` says which.
        NotAllowed: the role reaches further than the caller's.
        NotNow: there is an account of that slug, or there are too many.
    """
    authorize(principal, "service_account.manage")
    if not is_slug(slug) or slug in _RESERVED:
        text = "a small letter, then small letters, digits and hyphens, at most 63"
        raise Malformed(f"{slug[:80]!r} cannot name an account.", errors={"slug": [text]}, code="bad_slug")
    workspace_id = principal.workspace_id
    alive = select(func.count()).where(ServiceAccount.workspace_id == workspace_id, ServiceAccount.state != "deleted")
    if (session.scalar(alive) or 0) >= ACCOUNTS_MAX:
        raise NotNow(f"There are {ACCOUNTS_MAX} service accounts already. Delete one first.", code="too_many_accounts")
    row = ServiceAccount(
        id=ids.new_id("svc"),
        workspace_id=workspace_id,
        environment_id=_environment(session, workspace_id, environment),
        slug=slug,
        name=clean_name(name),
        description=_description(description),
        role=_role(principal, role, is_theirs=False),
        state="active",
        contact_id=_contact(session, workspace_id, contact_id),
        created_by=principal.id,
        created_by_name=principal.name,
        created_at=clock.now(),
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise NotNow(
            f"There is a service account called {slug!r} already.",
            errors={"slug": ["taken"]},
            code="account_exists",
        ) from None
    _note(session, principal, "created", row, {"role": row.role})
    return row.id


def change_service_account(
    session: Session,
    principal: Principal,
    named: str,
    *,
    name: str | None = None,
    description: str | None = None,
    role: str | None = None,
    contact_id: str | None = None,
) -> None:
    """Change what is given; None leaves a thing as it is, an empty contact takes it away. It holds at once.

    Raises:
        NotAllowed: the old or the new role reaches further than the caller's.
    """
    row = _account(session, principal, named)
    wanted: dict[str, Any] = {}
    if name is not None:
        wanted["name"] = clean_name(name)
    if description is not None:
        wanted["description"] = _description(description)
    if role is not None and role != row.role:
        _role(principal, row.role, is_theirs=True)
        wanted["role"] = _role(principal, role, is_theirs=True)
    if contact_id is not None:
        wanted["contact_id"] = _contact(session, row.workspace_id, contact_id or None)
    changed = {field: value for field, value in wanted.items() if getattr(row, field) != value}
    if not changed:
        return
    before = {"role_before": row.role} if "role" in changed else {}
    for field, value in changed.items():
        setattr(row, field, value)
    session.flush()
    told = {field: value for field, value in changed.items() if field in ("role", "contact_id")}
    _note(session, principal, "changed", row, {"fields": sorted(changed), **told, **before})


def disable_service_account(session: Session, principal: Principal, named: str) -> None:
    """Stop every key of the account with the next request, until it is enabled again. Twice is no error."""
    _move(session, principal, named, "active", "disabled")


def enable_service_account(session: Session, principal: Principal, named: str) -> None:
    """Let the account's keys work again.

    Raises:
        NotAllowed: the account's role reaches further than the caller's.
    """
    _move(session, principal, named, "disabled", "active", lambda row: _role(principal, row.role, is_theirs=True))


def delete_service_account(session: Session, principal: Principal, named: str) -> None:
    """Delete the account; what it did stays in the record, and its slug is free again.

    Raises:
        NotNow: it has keys that still work, or that would if it were enabled.
    """
    row = _account(session, principal, named)
    living = session.scalar(
        select(func.count())
        .select_from(ApiKey)
        .where(ApiKey.owner_id == row.id, ApiKey.revoked_at.is_(None))
        .where(or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now()))
    )
    if living:
        raise NotNow(
            f"{row.name} still has {living} {'key' if living == 1 else 'keys'} in use. Revoke them first; "
            "to stop them all at once, disable the account.",
            code="account_has_keys",
            extra={"keys": living},
        )
    session.execute(
        delete(AgentGrant).where(AgentGrant.workspace_id == row.workspace_id, AgentGrant.holder_id == row.id)
    )
    _note(session, principal, "deleted", row, {})
    row.state, row.slug = "deleted", f"deleted-{row.id[-26:]}"
    session.flush()


def _move(
    session: Session,
    principal: Principal,
    named: str,
    before: str,
    after: str,
    check: Callable[[ServiceAccount], object] = lambda row: None,
) -> None:
    row = _account(session, principal, named)
    check(row)
    changed = session.execute(
        update(ServiceAccount)
        .where(ServiceAccount.id == row.id, ServiceAccount.state == before)
        .values(state=after)
        .execution_options(synchronize_session=False)
    )
    if getattr(changed, "rowcount", 0) == 1:
        _note(session, principal, "enabled" if after == "active" else "disabled", row, {})


def _account(session: Session, principal: Principal, named: str) -> ServiceAccount:
    """The account of that id or slug. The right is asked first: whoever may not is not told which there are."""
    authorize(principal, "service_account.manage")
    row = session.scalar(
        select(ServiceAccount)
        .where(or_(ServiceAccount.id == named, ServiceAccount.slug == named))
        .where(ServiceAccount.workspace_id == principal.workspace_id)
        .where(ServiceAccount.state != "deleted")
        .with_for_update()
    )
    if row is None:
        raise NotFound("There is no such service account in this workspace.")
    return row


def _role(principal: Principal, role: str, *, is_theirs: bool) -> Role:
    if role not in ACCOUNT_ROLES:
        raise Malformed(
            f"{role[:40]!r} is no role for a service account.", errors={"role": [f"one of: {', '.join(ACCOUNT_ROLES)}"]}
        )
    further = sorted(beyond(principal, PERMISSIONS[role], is_theirs=is_theirs))
    if further:
        raise NotAllowed(
            f"An account cannot do more than who makes it. Yours does not include: {', '.join(further)}.",
            extra={"required": further},
        )
    return role


def _description(text: str) -> str:
    words = storable(text).strip()
    if len(words) > DESCRIPTION_CHARS_MAX:
        text = f"at most {DESCRIPTION_CHARS_MAX:,} characters"
        raise Malformed(f"The description is too long: {text}.", errors={"description": [text]})
    return words


def _environment(session: Session, workspace_id: str, slug: str | None) -> str | None:
    if slug is None:
        return None
    found = session.scalar(
        select(Environment.id).where(Environment.workspace_id == workspace_id, Environment.slug == slug)
    )
    if found is None:
        raise Malformed(f"There is no environment {slug[:80]!r}.", errors={"environment": ["unknown"]})
    return found


def _contact(session: Session, workspace_id: str, member_id: str | None) -> str | None:
    if member_id is None:
        return None
    found = session.scalar(
        select(Member.id).where(Member.id == member_id, Member.workspace_id == workspace_id, Member.state == "active")
    )
    if found is None:
        raise Malformed("The contact is no member of this workspace.", errors={"contact_id": ["not a member"]})
    return found


def _note(session: Session, principal: Principal, what: str, row: ServiceAccount, detail: dict[str, Any]) -> None:
    audit.note(session, principal, f"service_account.{what}", "service_account", row.id, {"slug": row.slug, **detail})
