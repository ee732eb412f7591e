"""Whether a password is its address's holder's: a workspace that invites an address can set one in another's name."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from signoff.kit import clock
from signoff.kit.errors import Malformed
from signoff.tables.people import Member, Person, SetupLink
from signoff.tables.session import lifted


def is_unproven(session: Session, person_id: str, *, beside: str) -> bool:
    """Return whether a person has a password that only another workspace than `beside` vouches for."""
    found = session.execute(
        select(Person.password_hash, Person.address_proven_at).where(Person.id == person_id)
    ).first()  # fmt: skip
    if found is None or found[0] is None or found[1] is not None:
        return False
    # Also one they were removed from: whoever ran it may know the password.
    return is_elsewhere(session, person_id, beside)


def is_elsewhere(session: Session, person_id: str, beside: str) -> bool:
    """Return whether a person belongs, or belonged, to another workspace than `beside`, or was invited there."""
    with lifted(session):
        other = select(Member.id).where(Member.person_id == person_id, Member.workspace_id != beside).limit(1)
        return session.scalar(other) is not None


def has_come_in() -> ColumnElement[bool]:
    """Return the condition, over members and people, that a password or a session may lead to a membership."""
    other = aliased(Member)
    is_elsewhere = exists().where(other.person_id == Person.id, other.workspace_id != Member.workspace_id)
    return or_(Member.accepted_at.is_not(None), Person.address_proven_at.is_not(None), ~is_elsewhere)


def note_proof(session: Session, link: SetupLink, *, sets_password: bool) -> None:
    """Remember what a used link says of the address: mailed, or the operator's, it is proven; else no longer.

    Raises:
        Malformed: the password they have may be somebody else's, so that this link must replace it.
    """
    person = session.get_one(Person, link.person_id, populate_existing=True)
    is_proof = link.purpose in ("first_run", "forgotten", "not_me") or link.mailed_at is not None
    if not is_proof:
        proven_at = None
    elif sets_password or person.password_hash is None or person.address_proven_at is not None:
        proven_at = clock.now()
    elif is_unproven(session, person.id, beside=link.workspace_id):
        sentence = "Choose a password: the one this account has may not be yours."
        raise Malformed(sentence, errors={"password": [sentence]})
    else:
        return
    session.execute(update(Person).where(Person.id == person.id).values(address_proven_at=proven_at))
