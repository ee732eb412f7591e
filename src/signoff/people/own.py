"""What a person sees of themselves: profile, sessions, second factor; and what is known of a member's way in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.people import tokens
from signoff.people.access import Principal, authorize, own_person
from signoff.people.facts import InvitationFacts, PendingFacts, PersonFacts, SecondFactorFacts, SessionFacts
from signoff.people.sign_in_rules import needed_step
from signoff.tables.people import (
    Member,
    PendingSignIn,
    Person,
    RecoveryCode,
    SecondFactor,
    SetupLink,
    SignInSession,
    Workspace,
)

_SESSIONS_MAX = 100


def person_of(session: Session, viewer: Principal) -> PersonFacts:
    """Return the viewer as a person.

    Raises:
        NotFound: the viewer is no person, but a key or the system.
    """
    row = session.get(Person, viewer.person_id or "")
    if row is None:
        raise NotFound("A key has no profile. Sign in to see yours.")
    has_password = row.password_hash is not None
    return PersonFacts(row.id, row.email, row.name, row.time_zone or "", row.has_single_keys, has_password)


def email_of(session: Session, person_id: str) -> str:
    """Return the address a person signs in with."""
    return session.get_one(Person, person_id).email


def sessions_of(session: Session, viewer: Principal, *, idle_seconds: int | None = None) -> list[SessionFacts]:
    """Return the viewer's own signed-in browsers, newest first; with `idle_seconds`, without those that lay idle.

    A bound viewer sees those of this workspace only.
    """
    moment = clock.now()
    query = select(SignInSession).where(
        SignInSession.person_id == (viewer.person_id or ""),
        SignInSession.workspace_id == viewer.workspace_id if viewer.is_bound else true(),
        SignInSession.revoked_at.is_(None),
        SignInSession.expires_at > moment,
    )
    if idle_seconds is not None:
        query = query.where(SignInSession.last_seen_at > moment - timedelta(seconds=idle_seconds))
    rows = session.scalars(query.order_by(SignInSession.id.desc()).limit(_SESSIONS_MAX))
    return [
        SessionFacts(
            row.id, row.created_at, row.last_seen_at, row.expires_at, row.user_agent, row.method, row.is_two_factor
        )
        for row in rows
    ]


def second_factor_of(session: Session, viewer: Principal) -> SecondFactorFacts:
    """Return whether the viewer gives a second factor, and how many recovery codes are left.

    Raises:
        NotAllowed: the viewer is no person, or their session reaches this workspace only.
    """
    person_id = own_person(viewer)
    confirmed_at = session.scalar(select(SecondFactor.confirmed_at).where(SecondFactor.person_id == person_id))
    left = session.scalar(
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    )
    return SecondFactorFacts(confirmed_at is not None, confirmed_at, int(left or 0) if confirmed_at else 0)


def invitation_of(session: Session, viewer: Principal, member_id: str) -> InvitationFacts | None:
    """Return the newest link of a member that was not used yet, for whoever manages members; else None."""
    authorize(viewer, "member.manage")
    row = session.scalar(
        select(SetupLink)
        .join(Member, Member.person_id == SetupLink.person_id)
        .where(
            Member.id == member_id,
            Member.workspace_id == viewer.workspace_id,
            SetupLink.workspace_id == viewer.workspace_id,
            SetupLink.purpose.in_(("invitation", "reset")),
            SetupLink.used_at.is_(None),
        )
        .order_by(SetupLink.id.desc())
        .limit(1)
    )
    if row is None:
        return None
    is_expired = row.expires_at <= clock.now()
    return InvitationFacts(row.purpose, row.created_at, row.expires_at, is_expired, row.mailed_at, row.mail_error)


def pending_of(session: Session, token: str) -> PendingFacts | None:
    """Return whose second step a token opens; None when it is not good (any more). Looking uses nothing up."""
    found = session.execute(
        select(PendingSignIn, Person)
        .join(Person, Person.id == PendingSignIn.person_id)
        .where(
            PendingSignIn.token_hash == tokens.hash_of(token),
            PendingSignIn.used_at.is_(None),
            PendingSignIn.expires_at > clock.now(),
        )
    ).first()
    if found is None:
        return None
    row, person = found
    needs = needed_step(session, person.id, coming_to=row.workspace_id)
    return PendingFacts(row.id, person.id, person.name, person.email, needs or "code", row.expires_at)


def words_known_of(session: Session, person_id: str) -> tuple[str, ...]:
    """Return what a guesser of this person's password knows: name, address, workspaces."""
    person = session.get(Person, person_id)
    if person is None:
        return ()
    places = session.scalars(
        select(Workspace.name)
        .join(Member, Member.workspace_id == Workspace.id)
        .where(Member.person_id == person_id, Member.state == "active")
        .limit(20)
    )
    return (person.name, person.email, "signoff", *places)


@dataclass(frozen=True, slots=True)
class FactorCount:
    """How many members there are, and how many of them have a second factor."""

    members: int
    with_factor: int


def second_factor_count(session: Session, viewer: Principal) -> FactorCount:
    """Return how many members of the viewer's workspace have a second factor."""
    authorize(viewer, "member.read")
    row = session.execute(
        select(func.count(Member.id), func.count(SecondFactor.confirmed_at))
        .select_from(Member)
        .outerjoin(SecondFactor, SecondFactor.person_id == Member.person_id)
        .where(Member.workspace_id == viewer.workspace_id, Member.state == "active")
    ).one()
    return FactorCount(int(row[0]), int(row[1]))
