"""Whom a key belongs to: a member, whose present rights bound it, or a service account, which outlasts people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotNow
from signoff.people.access import Principal, authorize
from signoff.people.custom_roles import permissions_of
from signoff.people.levels import LEVEL_ACTIONS
from signoff.people.membership import grants_of
from signoff.people.roles import Action, Reach
from signoff.record import audit
from signoff.record.actor import SYSTEM
from signoff.tables.people import Member, Person, ServiceAccount

OwnerKind = Literal["member", "service_account"]
# Whose the keys are that the operator makes on the command line without naming an account.
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """The owner of a key that is being made. `granted`: what a level lets them do on some agent, beyond their role."""

    kind: OwnerKind
    id: str
    name: str
    role: str
    permissions: Mapping[Action, Reach]
    environment_id: str | None = None
    granted: frozenset[Action] = frozenset()


def owner_for(session: Session, principal: Principal, service_account: str | None) -> KeyOwner:
    """Return whose key the caller makes: the named account's, else their own.

    Args:
        service_account: a slug, or None for the caller's own.

    Raises:
        Malformed: there is no such account.
        NotAllowed: the caller makes keys for themselves only, or is bound to another environment than the account.
        NotNow: the account is disabled.
    """
    if service_account is not None:
        return _named(session, principal, service_account)
    if principal.member_id is not None:
        return _member(session, principal)
    if principal.kind == "service_account":
        return _facts(session, session.get_one(ServiceAccount, principal.id))
    return _facts(session, _operator(session, principal.workspace_id))


def _named(session: Session, principal: Principal, slug: str) -> KeyOwner:
    found = session.scalar(
        select(ServiceAccount).where(
            ServiceAccount.workspace_id == principal.workspace_id,
            ServiceAccount.slug == slug[:80],
            ServiceAccount.state != "deleted",
        )
    )
    # Whoever makes keys for themselves only is refused alike, whether there is such an account or not.
    authorize(principal, "key.manage", owners=(found.id if found else "",))
    if found is None:
        raise Malformed(f"There is no service account {slug[:80]!r}.", errors={"service_account": ["unknown"]})
    if principal.environment_id and found.environment_id != principal.environment_id:
        raise NotAllowed("A key bound to one environment makes keys for accounts of that one only.")
    return _facts(session, found)


def _facts(session: Session, row: ServiceAccount) -> KeyOwner:
    if row.state != "active":
        raise NotNow(
            f"The service account {row.name} is disabled. Enable it first, or choose another.", code="account_disabled"
        )
    permissions = permissions_of(session, row.workspace_id, row.role)
    granted = _granted(session, row.workspace_id, row.id)
    return KeyOwner("service_account", row.id, row.name, row.role, permissions, row.environment_id, granted)


def _granted(session: Session, workspace_id: str, holder_id: str) -> frozenset[Action]:
    held = grants_of(session, workspace_id, [holder_id]).get(holder_id, {})
    return frozenset[Action]().union(*(LEVEL_ACTIONS[level] for levels in held.values() for level in levels))


def _member(session: Session, principal: Principal) -> KeyOwner:
    role, name = session.execute(
        select(Member.role, Person.name)
        .join(Person, Person.id == Member.person_id)
        .where(Member.id == principal.member_id, Member.workspace_id == principal.workspace_id)
    ).one()
    permissions = permissions_of(session, principal.workspace_id, role)
    member_id = principal.member_id or ""
    granted = _granted(session, principal.workspace_id, member_id)
    return KeyOwner("member", member_id, name, role, permissions, granted=granted)


def _operator(session: Session, workspace_id: str) -> ServiceAccount:
    known = select(ServiceAccount).where(
        ServiceAccount.workspace_id == workspace_id, ServiceAccount.slug == OPERATOR, ServiceAccount.state != "deleted"
    )
    found = session.scalar(known)
    if found is not None:
        return found
    row = ServiceAccount(
        id=ids.new_id("svc"),
        workspace_id=workspace_id,
        slug=OPERATOR,
        name="Operator",
        description="Keys made on the command line of the machine.",
        role="administrator",
        state="active",
        created_by=SYSTEM.id,
        created_by_name=SYSTEM.name,
        created_at=clock.now(),
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # Another command made it at the same moment.
        return session.scalars(known).one()
    audit.write(
        session,
        workspace_id=workspace_id,
        actor=SYSTEM,
        action="service_account.created",
        object_kind="service_account",
        object_id=row.id,
        detail={"slug": row.slug, "role": row.role},
    )
    return row
