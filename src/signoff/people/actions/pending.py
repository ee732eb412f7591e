"""A sign-in between its two steps: a short-lived token that opens the second step, and nothing else."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import NotSignedIn
from signoff.people import tokens
from signoff.people.facts import Need, Pending
from signoff.tables.people import PendingSignIn

LIFETIME_SECONDS = 600
ATTEMPTS_MAX = 5


def open_pending(
    session: Session, person_id: str, *, needs: Need, method: str, how: str, workspace_id: str | None = None
) -> Pending:
    """Note that the first step is done. Returns the token of the second."""
    token, moment = tokens.new_pending_token(), clock.now()
    session.add(
        PendingSignIn(
            id=ids.new_id("psi"),
            token_hash=tokens.hash_of(token),
            person_id=person_id,
            workspace_id=workspace_id,
            method=method,
            how=how,
            attempts=0,
            created_at=moment,
            expires_at=moment + timedelta(seconds=LIFETIME_SECONDS),
        )
    )
    session.flush()
    return Pending(token, needs)


def count_attempt(session: Session, token: str) -> PendingSignIn:
    """Count one attempt at the second step; commit it before the code is looked at.

    Raises:
        NotSignedIn: the token is not good (any more), or its attempts are used up.
    """
    counted = session.execute(
        update(PendingSignIn)
        .where(*_is_good(token), PendingSignIn.attempts < ATTEMPTS_MAX)
        .values(attempts=PendingSignIn.attempts + 1)
    )
    if not isinstance(counted, CursorResult) or counted.rowcount != 1:
        raise begin_again()
    return session.scalars(select(PendingSignIn).where(PendingSignIn.token_hash == tokens.hash_of(token))).one()


def use_pending(session: Session, token: str) -> PendingSignIn:
    """Use the token up. Of two who do so at once, one succeeds.

    Raises:
        NotSignedIn: it is not good (any more).
    """
    used = session.execute(update(PendingSignIn).where(*_is_good(token)).values(used_at=clock.now()))
    if not isinstance(used, CursorResult) or used.rowcount != 1:
        raise begin_again()
    return session.scalars(select(PendingSignIn).where(PendingSignIn.token_hash == tokens.hash_of(token))).one()


def begin_again() -> NotSignedIn:
    """Return the one answer for every token of a second step that does not work."""
    return NotSignedIn("This sign-in took too long or had too many attempts. Begin again.", code="sign_in_over")


def _is_good(token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        PendingSignIn.token_hash == tokens.hash_of(token),
        PendingSignIn.used_at.is_(None),
        PendingSignIn.expires_at > clock.now(),
    )
