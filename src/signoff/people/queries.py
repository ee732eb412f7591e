"""Reads of this room: whose token is this, who is here, what was done."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select, true
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import NotFound, NotSignedIn
from signoff.kit.paging import Page, encode_cursor, number_cursor, page_size, text_cursor
from signoff.kit.text import storable
from signoff.people import tokens
from signoff.people.access import Principal, authorize
from signoff.people.facts import (
    AuditFacts,
    EnvironmentFacts,
    MemberFacts,
    Seen,
    WorkspaceFacts,
)
from signoff.people.membership import principal_of_member, refuse_suspended
from signoff.people.proofs import has_come_in
from signoff.people.sign_in_rules import broken_rule, refusal_of
from signoff.tables.identity import Identity
from signoff.tables.people import Environment, Member, Person, SecondFactor, SignInSession, Workspace
from signoff.tables.record import AuditRow
from signoff.tables.session import keep, lifted

_PLACES_MAX = 200
_TOUCH = timedelta(seconds=60)
_HAS_FACTOR = exists().where(SecondFactor.person_id == Person.id, SecondFactor.confirmed_at.is_not(None))
_HAS_SSO = exists().where(Identity.person_id == Member.person_id, Identity.workspace_id == Member.workspace_id)


def principal_of_session(session: Session, token: str, *, idle_seconds: int, workspace_slug: str | None = None) -> Seen:
    """Return whose session this is, in the workspace named or the one the session was opened in.

    Raises:
        NotSignedIn: no such session, or it was ended, or it lay idle too long, or the workspace asks for more.
        NotFound: the person does not belong to the workspace named, or the session does not reach it.
        WorkspaceSuspended: the workspace is shut.
    """
    row = session.scalar(select(SignInSession).where(SignInSession.token_hash == tokens.hash_of(token)))
    moment = clock.now()
    if (
        row is None
        or row.revoked_at is not None
        or row.expires_at <= moment
        or row.last_seen_at + timedelta(seconds=idle_seconds) <= moment
    ):
        raise NotSignedIn("Your session has ended. Sign in again.", code="session_over")
    chosen = Workspace.slug == workspace_slug if workspace_slug is not None else Workspace.id == row.workspace_id
    found = session.execute(
        select(Member, Person, Workspace)
        .join(Person, Person.id == Member.person_id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(
            Member.person_id == row.person_id,
            Member.state == "active",
            chosen,
            true() if row.provider_id is not None else has_come_in(),
        )
    ).first()
    if found is None or (row.provider_id is not None and found[2].id != row.workspace_id):
        # A workspace's provider speaks for that workspace only: what it opened leads nowhere else.
        if workspace_slug is None:
            raise NotSignedIn("You no longer belong to this workspace.", code="session_over")
        raise NotFound("There is no such workspace, or you do not belong to it.")
    member, person, place = found
    keep(session, member, person, place)
    refuse_suspended(place)
    rule = broken_rule(place, member, method=row.method, is_two_factor=row.is_two_factor)
    if rule is not None:
        raise refusal_of(rule)
    principal = principal_of_member(session, member, person, is_bound=row.provider_id is not None)
    is_first_look = member.accepted_at is None and row.provider_id is None
    return Seen(principal, row.id, row.last_seen_at + _TOUCH <= moment, is_first_look)


def open_workspace_of_session(session: Session, token: str) -> str | None:
    """Return the slug of a workspace that works and that a session reaches, or None; the one joined last first."""
    row = session.scalar(select(SignInSession).where(SignInSession.token_hash == tokens.hash_of(token)))
    if row is None or row.provider_id is not None:
        return None
    found = session.execute(
        select(Member, Workspace)
        .join(Person, Person.id == Member.person_id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(
            Member.person_id == row.person_id,
            Member.state == "active",
            Member.accepted_at.is_not(None),
            Workspace.suspended_at.is_(None),
        )
        .order_by(Member.id.desc())
        .limit(_PLACES_MAX)
    )
    for member, place in found:
        if broken_rule(place, member, method=row.method, is_two_factor=row.is_two_factor) is None:
            return place.slug
    return None


def stored_password(session: Session, email: str) -> tuple[str, str | None] | None:
    """Return the id and password hash of the person with this address; for signing in only."""
    row = session.execute(
        select(Person.id, Person.password_hash).where(Person.email == storable(email).strip().lower()[:200])
    ).first()
    return (row[0], row[1]) if row else None


def password_hash_of(session: Session, person_id: str) -> str | None:
    """Return the password hash of a person who is signed in; for checking it once more only."""
    return session.scalar(select(Person.password_hash).where(Person.id == person_id))


def is_anyone_here(session: Session) -> bool:
    """Return whether any workspace exists; if not, this is the first run."""
    return session.scalar(select(Workspace.id).limit(1)) is not None


def workspace(session: Session, viewer: Principal) -> WorkspaceFacts:
    """Return the viewer's workspace."""
    row = session.get(Workspace, viewer.workspace_id)
    if row is None:
        raise NotFound("This workspace is gone.")
    return _workspace_facts(row)


def workspace_by_slug(session: Session, slug: str) -> WorkspaceFacts:
    """Return a workspace by its slug. It asks nobody's leave: for the edge, before a viewer is known."""
    row = session.scalar(select(Workspace).where(Workspace.slug == slug))
    if row is None:
        raise NotFound("There is no such workspace, or you do not belong to it.")
    return _workspace_facts(row)


def workspaces_of(session: Session, viewer: Principal) -> list[WorkspaceFacts]:
    """Return every workspace the viewer's session reaches, by name. A key reaches its own alone, also a person's."""
    if viewer.kind != "member" or viewer.is_bound or viewer.person_id is None:
        return [workspace(session, viewer)]
    query = (
        select(Workspace)
        .join(Member, Member.workspace_id == Workspace.id)
        .join(Person, Person.id == Member.person_id)
        .where(Member.person_id == viewer.person_id, Member.state == "active", has_come_in())
        .order_by(Workspace.name, Workspace.id)
        .limit(200)
    )
    with lifted(session):  # A question about a person, who stands in more than one workspace.
        rows = session.scalars(query).all()
    return [_workspace_facts(row) for row in rows]


def all_workspaces(session: Session) -> list[WorkspaceFacts]:
    """Return every workspace; for the operator's command line on the machine."""
    return [_workspace_facts(row) for row in session.scalars(select(Workspace).order_by(Workspace.id).limit(1000))]


def _workspace_facts(row: Workspace) -> WorkspaceFacts:
    return WorkspaceFacts(
        row.id, row.slug, row.name, row.time_zone, row.daily_cap_usd, row.last_resort_id, row.created_at,
        row.is_second_factor_required, row.is_password_allowed, row.suspended_at,
    )  # fmt: skip


def environments(session: Session, viewer: Principal) -> list[EnvironmentFacts]:
    """Return the environments the viewer may see: all, or the one its key is bound to, in their order."""
    authorize(viewer, "workspace.read")
    query = select(Environment).where(Environment.workspace_id == viewer.workspace_id)
    if viewer.environment_id:
        query = query.where(Environment.id == viewer.environment_id)
    rows = session.scalars(query.order_by(Environment.position, Environment.is_production, Environment.slug)).all()
    keep(session, *rows)
    return [_environment_facts(row) for row in rows]


def environment_by_slug(session: Session, viewer: Principal, slug: str) -> EnvironmentFacts:
    """Return one environment of the viewer's workspace."""
    row = session.scalar(
        select(Environment).where(Environment.workspace_id == viewer.workspace_id, Environment.slug == slug)
    )
    if row is None or (viewer.environment_id and viewer.environment_id != row.id):
        raise NotFound(f"There is no environment {slug[:63]!r} in this workspace.")
    return _environment_facts(row)


def _environment_facts(row: Environment) -> EnvironmentFacts:
    return EnvironmentFacts(
        row.id, row.slug, row.name, row.is_production, row.is_deploy_restricted, row.is_four_eyes, row.position,
        row.daily_cap_usd,
    )  # fmt: skip


def members(
    session: Session, viewer: Principal, *, cursor: str | None = None, size: int | None = None
) -> Page[MemberFacts]:
    """Return the members of the viewer's workspace, newest first; the removed are not among them."""
    authorize(viewer, "member.read")
    query = (
        select(Member, Person, _HAS_FACTOR, _HAS_SSO)
        .join(Person, Person.id == Member.person_id)
        .where(Member.workspace_id == viewer.workspace_id, Member.state == "active")
    )
    if cursor:
        query = query.where(Member.id < text_cursor(cursor))
    count = page_size(size)
    rows = session.execute(query.order_by(Member.id.desc()).limit(count + 1)).all()
    following = encode_cursor(rows[count - 1][0].id) if len(rows) > count else None
    return Page([_member_facts(*row) for row in rows[:count]], following)


def member(session: Session, viewer: Principal, member_id: str) -> MemberFacts:
    """Return one member. Everybody may see themselves."""
    if member_id != viewer.id:
        authorize(viewer, "member.read")
    row = session.execute(
        select(Member, Person, _HAS_FACTOR, _HAS_SSO)
        .join(Person, Person.id == Member.person_id)
        .where(Member.id == member_id, Member.workspace_id == viewer.workspace_id, Member.state == "active")
    ).first()
    if row is None:
        raise NotFound("There is no such member in this workspace.")
    return _member_facts(*row)


def _member_facts(row: Member, person: Person, has_second_factor: bool, has_sso: bool) -> MemberFacts:
    # Of whom has not come in, a workspace is told no more than it said itself.
    is_here = row.accepted_at is not None
    return MemberFacts(
        id=row.id,
        person_id=person.id,
        email=person.email,
        name=person.name if is_here else row.invited_name or person.email,
        role=row.role,
        state="active" if is_here else "invited",
        has_password=is_here and person.password_hash is not None,
        has_sso=bool(has_sso),
        created_at=row.created_at,
        has_second_factor=is_here and has_second_factor,
    )


def audit_page(
    session: Session,
    viewer: Principal,
    *,
    object_id: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[AuditFacts]:
    """Return audit rows of the viewer's workspace, newest first."""
    authorize(viewer, "audit.read")
    query = select(AuditRow).where(AuditRow.workspace_id == viewer.workspace_id)
    if object_id:
        query = query.where(AuditRow.object_id == object_id)
    if action:
        query = query.where(AuditRow.action == action)
    if since:
        query = query.where(AuditRow.at >= since)
    if cursor:
        query = query.where(AuditRow.seq < number_cursor(cursor))
    count = page_size(size)
    rows = session.scalars(query.order_by(AuditRow.seq.desc()).limit(count + 1)).all()
    following = encode_cursor(rows[count - 1].seq) if len(rows) > count else None
    return Page([audit_facts(row) for row in rows[:count]], following)


def audit_after(session: Session, viewer: Principal, *, seq: int, size: int = 500) -> list[AuditFacts]:
    """Return up to `size` audit rows after `seq`, oldest first; for an export that walks the whole chain."""
    authorize(viewer, "audit.read")
    rows = session.scalars(
        select(AuditRow)
        .where(AuditRow.workspace_id == viewer.workspace_id, AuditRow.seq > seq)
        .order_by(AuditRow.seq)
        .limit(size)
    )
    return [audit_facts(row) for row in rows]


def audit_facts(row: AuditRow) -> AuditFacts:
    """Return a row as facts."""
    return AuditFacts(
        row.id,
        row.seq,
        row.at,
        row.actor_kind,
        row.actor_id,
        row.actor_name,
        row.action,
        row.object_kind,
        row.object_id,
        row.detail,
        row.previous_hash,
        row.hash,
        row.run_id,
        row.revision_id,
    )
