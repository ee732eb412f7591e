"""Signed-in browsers: opened with a fresh token, ended at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import NotFound, NotSignedIn
from signoff.kit.text import storable
from signoff.people import tokens
from signoff.people.access import Principal
from signoff.people.facts import SignedIn
from signoff.people.membership import principal_of_member, refuse_suspended
from signoff.record import audit
from signoff.tables.people import Member, Person, SignInSession, Workspace


def open_session(
    session: Session,
    person_id: str,
    *,
    lifetime_seconds: int,
    workspace_id: str | None = None,
    user_agent: str = "",
    how: str = "password",
) -> SignedIn:
    """Sign a person in to `workspace_id`, or to the workspace they joined last. Always a new token.

    Raises:
        NotSignedIn: the person belongs to no (such) workspace.
        WorkspaceSuspended: it is shut, and they belong to no other.
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
        # A workspace that works before one that is suspended; then the one they joined last.
        .order_by(Workspace.suspended_at.is_not(None), Member.id.desc())
        .limit(1)
    ).first()
    if found is None:
        raise NotSignedIn("This account belongs to no workspace any more. Ask an administrator to add it again.")
    member, person, workspace = found
    refuse_suspended(workspace)
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
    )
    session.add(row)
    session.flush()
    principal = principal_of_member(member, person)
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


def sign_out(session: Session, token: str) -> None:
    """End the session of this token; a token nobody knows is no error."""
    session.execute(
        update(SignInSession)
        .where(SignInSession.token_hash == tokens.hash_of(token), SignInSession.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )


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
