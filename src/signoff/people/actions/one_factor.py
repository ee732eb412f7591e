"""What was opened with one factor ends when a person turns a second one on: it may be in somebody else's hands."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.people.everywhere import note_everywhere
from signoff.tables.people import SignInSession

# What a password or a one-time link opened. Whom an identity provider let in, it asked for what it asks for.
_BY_ONE_FACTOR = ("password", "link")


def end_one_factor_sessions(session: Session, person_id: str, *, but: str = "") -> int:
    """End every session of a person that was opened without a second factor, in all workspaces; return how many.

    Args:
        but: the session in which the second factor was proven just now.
    """
    ended = session.execute(
        update(SignInSession)
        .where(
            SignInSession.person_id == person_id,
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > clock.now(),
            SignInSession.is_two_factor.is_(False),
            SignInSession.method.in_(_BY_ONE_FACTOR),
            SignInSession.id != but,
        )
        .values(revoked_at=clock.now())
    )
    count = int(getattr(ended, "rowcount", 0))
    if count:
        note_everywhere(session, person_id, "session.one_factor_ended", {"sessions": count})
    return count
