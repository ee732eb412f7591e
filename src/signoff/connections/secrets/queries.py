"""What may be known of secrets: names, places, versions, grants, uses and dates. Never a value."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from signoff.connections.kinds import hosts_of
from signoff.connections.lookup import secret_for
from signoff.connections.views import SecretGrantRow, SecretRow, SecretUseRow, SecretVersionRow
from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.kit.paging import Page, decode_cursor, encode_cursor, page_size
from signoff.people.access import Principal, authorize
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection, Secret, SecretGrant, SecretUse, SecretVersion
from signoff.tables.keyset import newest_first
from signoff.tables.people import Environment, Member

USES_SHOWN = 20
_VERSIONS_MAX = 400
_GRANTS_MAX = 500


def secrets_page(
    session: Session,
    viewer: Principal,
    *,
    environment: str | None = None,
    connection_id: str | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[SecretRow]:
    """Return one page of secrets, newest first: names, hosts and times, never values."""
    authorize(viewer, "secret.read")
    wanted = _secrets(viewer)
    if environment:
        wanted = wanted.where(_is_environment(environment))
    if connection_id:
        wanted = wanted.where(Secret.connection_id == connection_id)
    page = newest_first(session, wanted, Secret.id, cursor=cursor, size=size)
    return Page([_secret_row(row) for row in page.rows], page.next_cursor, page.previous_cursor)


def secret_row(session: Session, viewer: Principal, secret_id: str) -> SecretRow:
    """Return one secret, without its value.

    Raises:
        NotFound: it is not in the viewer's workspace and environment.
    """
    authorize(viewer, "secret.read")
    row = session.execute(_secrets(viewer).where(Secret.id == secret_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such secret in this workspace.")
    return _secret_row(row)


def secrets_called(
    session: Session, viewer: Principal, text: str, *, environment: str | None = None
) -> list[SecretRow]:
    """Return the secrets of this id or name; a name may stand in several environments."""
    authorize(viewer, "secret.read")
    wanted = _secrets(viewer).where(or_(Secret.id == text, Secret.name == text)).order_by(Secret.id).limit(100)
    if environment:
        wanted = wanted.where(_is_environment(environment))
    return [_secret_row(row) for row in session.execute(wanted)]


def expiring_secrets(
    session: Session,
    viewer: Principal,
    *,
    environment: str | None = None,
    within_days: int | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[SecretRow]:
    """Return the secrets whose end is known, the nearest first, those that have run out before all.

    Args:
        within_days: only those that run out in so many days, or have.

    Raises:
        Malformed: the cursor is not one of this list.
    """
    authorize(viewer, "secret.read")
    limit = page_size(size)
    wanted = _secrets(viewer).where(Secret.expires_at.is_not(None))
    if environment:
        wanted = wanted.where(_is_environment(environment))
    if within_days is not None:
        wanted = wanted.where(Secret.expires_at <= clock.now() + timedelta(days=within_days))
    if cursor:
        edge = session.execute(
            select(Secret.id, Secret.expires_at).where(
                Secret.id == str(decode_cursor(cursor, 1)[0]), Secret.workspace_id == viewer.workspace_id
            )
        ).one_or_none()
        if edge is not None and edge.expires_at is not None:
            wanted = wanted.where(
                or_(
                    Secret.expires_at > edge.expires_at,
                    and_(Secret.expires_at == edge.expires_at, Secret.id > edge.id),
                )
            )
    rows = session.execute(wanted.order_by(Secret.expires_at, Secret.id).limit(limit + 1)).all()
    next_cursor = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page([_secret_row(row) for row in rows[:limit]], next_cursor)


def versions_of(session: Session, viewer: Principal, secret_id: str) -> tuple[SecretVersionRow, ...]:
    """Return the versions of a secret, the newest first: who entered each, when and why.

    Raises:
        NotFound: it is not in the viewer's workspace and environment.
    """
    secret = secret_for(session, viewer, secret_id, "secret.read")
    rows = session.scalars(
        select(SecretVersion)
        .where(SecretVersion.secret_id == secret.id)
        .order_by(SecretVersion.version.desc())
        .limit(_VERSIONS_MAX)
    ).all()
    found = [_version_row(row, secret.version) for row in rows]
    if secret.version not in {row.version for row in found}:
        # Entered by a release before versions, which knew neither who nor why.
        entered = secret.rotated_at or secret.created_at
        only = SecretVersionRow(secret.version, "current", "built_in", None, "", None, None, None, entered, None)
        found.insert(0, only)
    return tuple(found)


def _version_row(row: SecretVersion, current: int) -> SecretVersionRow:
    # A release before versions moves on without telling the version before that it ended.
    state = "superseded" if row.state == "current" and row.version != current else row.state
    return SecretVersionRow(
        version=row.version,
        state=state,
        source=row.source,
        reference=row.reference,
        reason=row.reason,
        restored_from=row.restored_from,
        created_by=row.created_by,
        created_by_name=row.created_by_name,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def grants_of(session: Session, viewer: Principal, secret_id: str) -> tuple[SecretGrantRow, ...]:
    """Return the agents that a secret was granted to, by name.

    Raises:
        NotFound: it is not in the viewer's workspace and environment.
    """
    secret = secret_for(session, viewer, secret_id, "secret.read")
    rows = session.execute(
        select(Agent.id, Agent.slug, Agent.name, SecretGrant.granted_by_name, SecretGrant.granted_at)
        .join(Agent, Agent.id == SecretGrant.agent_id)
        .where(SecretGrant.secret_id == secret.id)
        .order_by(Agent.slug)
        .limit(_GRANTS_MAX)
    )
    return tuple(SecretGrantRow(*row) for row in rows)


def uses_of(
    session: Session, viewer: Principal, secret_id: str, *, limit: int = USES_SHOWN
) -> tuple[SecretUseRow, ...]:
    """Return the newest runs that read a secret. Runs are told by their id: to open one takes its own right.

    Raises:
        NotFound: it is not in the viewer's workspace and environment.
    """
    secret = secret_for(session, viewer, secret_id, "secret.read")
    rows = session.scalars(
        select(SecretUse)
        .where(SecretUse.workspace_id == secret.workspace_id, SecretUse.secret_id == secret.id)
        .order_by(SecretUse.first_at.desc(), SecretUse.run_id)
        .limit(min(limit, 200))
    )
    return tuple(
        SecretUseRow(row.run_id, row.agent_id, row.agent_name, row.revision_number, row.version, row.first_at)
        for row in rows
    )


def personal_secrets_of(session: Session, viewer: Principal, member_id: str) -> list[SecretRow]:
    """Return the personal logins of a member, for whoever hands over what they leave."""
    authorize(viewer, "secret.read")
    wanted = _secrets(viewer).where(Secret.owner_id == member_id, Secret.principal == "personal")
    return [_secret_row(row) for row in session.execute(wanted.order_by(Secret.id).limit(_GRANTS_MAX))]


def _is_environment(text: str) -> ColumnElement[bool]:
    return or_(Environment.id == text, Environment.slug == text)


def _secrets(viewer: Principal) -> Select[*tuple[Any, ...]]:
    grants = (
        select(func.count())
        .select_from(SecretGrant)
        .where(SecretGrant.secret_id == Secret.id)
        .correlate(Secret)
        .scalar_subquery()
    )
    wanted = (
        select(
            Secret.id,
            Secret,
            Connection,
            Environment.slug.label("environment_slug"),
            SecretVersion.source,
            SecretVersion.reference,
            Member.state.label("owner_state"),
            grants.label("grants"),
        )
        .join(Connection, Connection.id == Secret.connection_id)
        .join(Environment, Environment.id == Secret.environment_id)
        .outerjoin(SecretVersion, and_(SecretVersion.secret_id == Secret.id, SecretVersion.version == Secret.version))
        .outerjoin(Member, and_(Member.id == Secret.owner_id, Member.workspace_id == Secret.workspace_id))
        .where(Secret.workspace_id == viewer.workspace_id)
    )
    if viewer.environment_id:
        wanted = wanted.where(Secret.environment_id == viewer.environment_id)
    return wanted


def _secret_row(row: Any) -> SecretRow:
    of: Connection = row.Connection
    secret: Secret = row.Secret
    return SecretRow(
        id=secret.id,
        name=secret.name,
        description=secret.description,
        environment_id=of.environment_id,
        environment_slug=row.environment_slug,
        connection_id=of.id,
        connection_slug=of.slug,
        connection_name=of.name,
        hosts=tuple(secret.hosts),
        is_locked=not set(hosts_of(of.kind, of.config)) <= set(secret.hosts),
        version=secret.version,
        created_at=secret.created_at,
        rotated_at=secret.rotated_at,
        last_used_at=secret.last_used_at,
        sensitivity=secret.sensitivity,
        source=row.source or "built_in",
        reference=row.reference,
        principal=secret.principal,
        owner_id=secret.owner_id,
        owner_name=secret.owner_name,
        is_owner_gone=secret.principal == "personal" and row.owner_state != "active",
        expires_at=secret.expires_at,
        is_open_to_all=secret.is_open_to_all,
        grants=int(row.grants),
    )
