"""Signed-in browsers: opened with a fresh token, ended at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, true, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import NotFound, NotSignedIn
from signoff.kit.text import storable
from signoff.people import tokens
from signoff.people.access import Principal
from signoff.people.facts import SignedIn
from signoff.people.membership import principal_of_member
from signoff.people.sign_in_rules import may_enter, sso_required
from signoff.record import audit
from signoff.tables.people import Member, Person, SignInSession, Workspace

_MEMBERSHIPS_MAX = 200


def open_session(
    session: Session,
    person_id: str,
    *,
    lifetime_seconds: int,
    workspace_id: str | None = None,
    user_agent: str = "",
    how: str = "password",
    provider_id: str | None = None,
) -> SignedIn:
    """Sign a person in to `workspace_id`, or to the workspace they joined last. Always a new token.

    Args:
        provider_id: the identity provider that says who they are; the session then reaches this workspace only.

    Raises:
        NotSignedIn: the person belongs to no (such) workspace.
        SsoRequired: every workspace they belong to is entered through single sign-on.
    """
    found = session.execute(
        select(Member, Person, Workspace)
        .join(Person, Person.id == Member.person_id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(
            Member.person_id == person_id,
            Member.state == "active",
            Member.workspace_id == workspace_id if workspace_id else Member.workspace_id.is_not(None),
        )
        .order_by(Member.id.desc())
        .limit(_MEMBERSHIPS_MAX)
    ).all()
    if not found:
        raise NotSignedIn("This account belongs to no workspace any more. Ask an administrator to add it again.")
    open_to_them = (
        row for row in found if may_enter(is_sso_only=row[2].is_sso_only, opened_by=provider_id, role=row[0].role)
    )
    chosen = next(open_to_them, None)
    if chosen is None:
        raise sso_required(found[0][2].name)
    member, person, workspace = chosen
    token, moment = tokens.new_session_token(), clock.now()
    row = SignInSession(
        id=ids.new_id("ses"),
        token_hash=tokens.hash_of(token),
        person_id=person_id,
        workspace_id=workspace.id,
        created_at=moment,
        last_seen_at=moment,
        expires_at=moment + timedelta(seconds=lifetime_seconds),
        user_agent=storable(user_agent)[:200],
        provider_id=provider_id,
    )
    session.add(row)
    session.flush()
    principal = principal_of_member(member, person, is_bound=provider_id is not None)
    audit.write(
        session,
        workspace_id=workspace.id,
        actor=principal.actor,
        action="session.opened",
        object_kind="session",
        object_id=row.id,
        detail={"how": how},
    )
    return SignedIn(token, principal, workspace.slug)


def sign_out(session: Session, token: str) -> str | None:
    """End the session of this token; a token nobody knows is no error. Returns the identity provider that opened it."""
    digest = tokens.hash_of(token)
    session.execute(
        update(SignInSession)
        .where(SignInSession.token_hash == digest, SignInSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
    return session.scalar(select(SignInSession.provider_id).where(SignInSession.token_hash == digest))


def revoke_session(session: Session, principal: Principal, session_id: str) -> None:
    """End one of the caller's own sessions, in whatever browser it is.

    Raises:
        NotFound: it is nobody's, or another person's.
    """
    changed = session.execute(
        update(SignInSession)
        .where(
            SignInSession.id == session_id,
            SignInSession.person_id == (principal.person_id or ""),
            SignInSession.workspace_id == principal.workspace_id if principal.is_bound else true(),
            SignInSession.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
    )
    if getattr(changed, "rowcount", 0) != 1:
        raise NotFound("There is no such session, or it has ended.")
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="session.revoked",
        object_kind="session",
        object_id=session_id,
    )


def renew_hash(session: Session, person_id: str, *, old_hash: str, new_hash: str) -> None:
    """Replace the stored form of an unchanged password, unless it was changed meanwhile."""
    session.execute(
        update(Person).where(Person.id == person_id, Person.password_hash == old_hash).values(password_hash=new_hash)
    )


def set_password(session: Session, person_id: str, password_hash: str) -> None:
    """Store a new password's hash and end every session that was opened before."""
    session.execute(update(Person).where(Person.id == person_id).values(password_hash=password_hash))
    session.execute(
        update(SignInSession)
        .where(SignInSession.person_id == person_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )


def note_session_seen(session: Session, session_id: str) -> None:
    """Note that the session is in use; keeps it from ending for idleness."""
    session.execute(update(SignInSession).where(SignInSession.id == session_id).values(last_seen_at=clock.now()))


def sweep_sessions(session: Session, *, before: datetime) -> int:
    """Delete sessions that ended before `before`; return how many."""
    gone = session.execute(delete(SignInSession).where(SignInSession.expires_at < before))
    return int(getattr(gone, "rowcount", 0))
