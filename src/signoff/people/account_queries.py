"""Reads about service accounts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.kit.paging import Page, encode_cursor, page_size, text_cursor
from signoff.people.access import Principal, authorize
from signoff.people.facts import ServiceAccountFacts
from signoff.tables.people import ApiKey, Environment, Member, Person, ServiceAccount

_Contact = aliased(Member)


def _rows(viewer: Principal) -> Select[ServiceAccount, str, str, str, int, Any]:
    is_living = and_(
        ApiKey.owner_id == ServiceAccount.id,
        ApiKey.workspace_id == ServiceAccount.workspace_id,
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now()),
    )
    count = select(func.count()).where(is_living).correlate(ServiceAccount).scalar_subquery()
    used = (
        select(func.max(ApiKey.last_used_at))
        .where(ApiKey.owner_id == ServiceAccount.id, ApiKey.workspace_id == ServiceAccount.workspace_id)
        .correlate(ServiceAccount)
        .scalar_subquery()
    )
    query = (
        select(ServiceAccount, Environment.slug, Person.name, _Contact.state, count, used)
        .outerjoin(Environment, Environment.id == ServiceAccount.environment_id)
        .outerjoin(_Contact, _Contact.id == ServiceAccount.contact_id)
        .outerjoin(Person, Person.id == _Contact.person_id)
        .where(ServiceAccount.workspace_id == viewer.workspace_id, ServiceAccount.state != "deleted")
    )
    if viewer.environment_id:
        query = query.where(ServiceAccount.environment_id == viewer.environment_id)
    return query


def service_accounts(
    session: Session, viewer: Principal, *, cursor: str | None = None, size: int | None = None
) -> Page[ServiceAccountFacts]:
    """Return the service accounts of the viewer's workspace, newest first; the deleted are not among them."""
    authorize(viewer, "service_account.read")
    query = _rows(viewer)
    if cursor:
        query = query.where(ServiceAccount.id < text_cursor(cursor))
    count = page_size(size)
    rows = session.execute(query.order_by(ServiceAccount.id.desc()).limit(count + 1)).all()
    following = encode_cursor(rows[count - 1][0].id) if len(rows) > count else None
    return Page([_facts(*row) for row in rows[:count]], following)


def service_account(session: Session, viewer: Principal, name: str) -> ServiceAccountFacts:
    """Return one account, by its id or slug.

    Raises:
        NotFound: there is none in this workspace (or in the environment the viewer is bound to).
    """
    authorize(viewer, "service_account.read")
    is_named = or_(ServiceAccount.id == name, ServiceAccount.slug == name)
    row = session.execute(_rows(viewer).where(is_named)).first()
    if row is None:
        raise NotFound("There is no such service account in this workspace.")
    return _facts(*row)


def _facts(
    row: ServiceAccount, environment: str | None, contact: str | None, contact_state: str | None, keys: int, used: Any
) -> ServiceAccountFacts:
    return ServiceAccountFacts(
        id=row.id,
        slug=row.slug,
        name=row.name,
        description=row.description,
        role=row.role,
        state=row.state,
        environment=environment,
        contact_id=row.contact_id,
        contact_name=contact,
        is_contact_gone=row.contact_id is not None and contact_state != "active",
        keys=keys,
        last_used_at=used,
        created_by_name=row.created_by_name,
        created_at=row.created_at,
    )
