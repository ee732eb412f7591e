"""Signed-in browsers: opened with a fresh token, ended at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, true, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import NotFound, NotSignedIn
from signoff.kit.text import storable
from signoff.people import tokens
from signoff.people.access import Principal
from signoff.people.facts import SignedIn
from signoff.people.membership import principal_of_member, refuse_suspended
from signoff.people.proofs import has_come_in, is_unproven
from signoff.people.sign_in_rules import Rule, broken_rule, refusal_of
from signoff.record import audit
from signoff.tables.people import Member, PendingSignIn, Person, SecondFactor, SetupLink, SignInSession, Workspace
from signoff.tables.session import lifted

_PLACES_MAX = 200


def open_session(
    session: Session,
    person_id: str,
    *,
    lifetime_seconds: int,
    workspace_id: str | None = None,
    user_agent: str = "",
    how: str = "password",
    method: str = "password",
    is_two_factor: bool = False,
    provider_id: str | None = None,
) -> SignedIn:
    """Sign a person in to `workspace_id`, or to the workspace they joined last. Always a new token.

    Whoever comes in for the first time has accepted their invitation.

    Args:
        method: what was proven: `password`, `link`, or another room's method; see `sign_in_rules`.
        provider_id: the identity provider that says who they are; the session then reaches this workspace only.

    Raises:
        NotSignedIn: the person belongs to no (such) workspace, or none of theirs lets them in like this.
        WorkspaceSuspended: it is shut, and they belong to no other.
    """
    member, person, workspace = _place_for(session, person_id, workspace_id, method=method, is_two_factor=is_two_factor)
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
        method=method,
        is_two_factor=is_two_factor,
        provider_id=provider_id,
    )
    session.add(row)
    session.flush()
    principal = principal_of_member(session, member, person, is_bound=provider_id is not None)
    # A workspace's provider lets in, for itself; it does not open the place to a password it knows nothing of.
    if member.accepted_at is None and not (provider_id and is_unproven(session, person_id, beside=workspace.id)):
        member.accepted_at = moment
        session.flush()
        _note(session, principal, "member.accepted", "member", member.id)
    _note(session, principal, "session.opened", "session", row.id, {"how": how, "two_factor": is_two_factor})
    return SignedIn(token, principal, workspace.slug, row.id)


def _place_for(
    session: Session, person_id: str, workspace_id: str | None, *, method: str, is_two_factor: bool
) -> tuple[Member, Person, Workspace]:
    """Return where a person comes in: the place asked for, or the newest that lets them in like this."""
    found = session.execute(
        select(Member, Person, Workspace)
        .join(Person, Person.id == Member.person_id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(
            Member.person_id == person_id,
            Member.state == "active",
            # A password lets nobody accept what another workspace offered to the address.
            Member.workspace_id == workspace_id if workspace_id else or_(has_come_in(), Person.password_hash.is_(None)),
        )
        # A workspace that works before one that is suspended, one of theirs before one that only invited them; then
        # the one they joined last.
        .order_by(Workspace.suspended_at.is_not(None), Member.accepted_at.is_(None), Member.id.desc())
        .limit(_PLACES_MAX)
    ).all()
    if not found:
        raise NotSignedIn("This account belongs to no workspace any more. Ask an administrator to add it again.")
    rules: list[Rule] = []
    for member, person, workspace in found:
        rule = broken_rule(workspace, member, method=method, is_two_factor=is_two_factor)
        if rule is None:
            return member, person, workspace
        rules.append(rule)
    raise refusal_of(rules[0])


@dataclass(frozen=True, slots=True)
class SessionKind:
    """How a session was opened, and in which browser."""

    method: str = "password"
    is_two_factor: bool = False
    user_agent: str = ""


def session_kind(session: Session, session_id: str, person_id: str) -> SessionKind:
    """Return how a person's session was opened; a plain one when it is gone or another person's."""
    row = session.get(SignInSession, session_id)
    if row is None or row.person_id != person_id:
        return SessionKind()
    return SessionKind(row.method, row.is_two_factor, row.user_agent)


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
    _note(session, principal, "session.revoked", "session", session_id)


def revoke_every_session(session: Session, principal: Principal, *, but: str = "") -> int:
    """End all of the caller's sessions, everywhere; with `but`, all except that one. Returns how many ended.

    A bound caller ends those of this workspace only.
    """
    ended = session.execute(
        update(SignInSession)
        .where(
            SignInSession.person_id == (principal.person_id or ""),
            SignInSession.workspace_id == principal.workspace_id if principal.is_bound else true(),
            SignInSession.revoked_at.is_(None),
            SignInSession.id != but,
        )
        .values(revoked_at=clock.now())
    )
    count = int(getattr(ended, "rowcount", 0))
    _note(session, principal, "session.all_revoked", "member", principal.id, {"sessions": count})
    return count


def renew_hash(session: Session, person_id: str, *, old_hash: str, new_hash: str) -> None:
    """Replace the stored form of an unchanged password, unless it was changed meanwhile."""
    session.execute(
        update(Person).where(Person.id == person_id, Person.password_hash == old_hash).values(password_hash=new_hash)
    )


def set_password(session: Session, person_id: str, password_hash: str) -> None:
    """Store a new password's hash, and end what was opened before: sessions, unfinished sign-ins, one-time links."""
    moment = clock.now()
    session.execute(update(Person).where(Person.id == person_id).values(password_hash=password_hash))
    end_everything(session, person_id)
    with lifted(session):
        session.execute(
            update(SetupLink)
            # One that takes a second factor away is against whoever has the password, so it outlives a new one.
            .where(SetupLink.person_id == person_id, SetupLink.used_at.is_(None), SetupLink.purpose != "not_me")
            .values(used_at=moment)
        )


def end_everything(session: Session, person_id: str) -> None:
    """End every session, every unfinished sign-in and every unfinished second factor of a person, in all workspaces."""
    moment = clock.now()
    session.execute(
        update(SignInSession)
        .where(SignInSession.person_id == person_id, SignInSession.revoked_at.is_(None))
        .values(revoked_at=moment)
    )
    with lifted(session):  # Most are bound to no workspace yet.
        session.execute(
            update(PendingSignIn)
            .where(PendingSignIn.person_id == person_id, PendingSignIn.used_at.is_(None))
            .values(used_at=moment)
        )
    # Whoever could sign in before may know the secret of an app that waits for its first code.
    session.execute(
        delete(SecondFactor).where(SecondFactor.person_id == person_id, SecondFactor.confirmed_at.is_(None))
    )


def note_session_seen(session: Session, session_id: str) -> None:
    """Note that the session is in use; keeps it from ending for idleness."""
    session.execute(update(SignInSession).where(SignInSession.id == session_id).values(last_seen_at=clock.now()))


def accept_by_looking(session: Session, principal: Principal) -> None:
    """Note that a person looked into a workspace they were invited to, of their own will: they have accepted."""
    accepted = session.execute(
        update(Member)
        .where(Member.id == principal.id, Member.state == "active", Member.accepted_at.is_(None))
        .values(accepted_at=clock.now())
    )
    if getattr(accepted, "rowcount", 0) == 1:
        _note(session, principal, "member.accepted", "member", principal.id)


def sweep_sessions(session: Session, *, before: datetime) -> int:
    """Delete sessions and unfinished sign-ins that ended before `before`; return how many sessions."""
    session.execute(delete(PendingSignIn).where(PendingSignIn.expires_at < before))
    gone = session.execute(delete(SignInSession).where(SignInSession.expires_at < before))
    return int(getattr(gone, "rowcount", 0))


def _note(
    session: Session,
    principal: Principal,
    action: str,
    object_kind: str,
    object_id: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        detail=detail,
    )
