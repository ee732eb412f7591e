"""Set up, use, and take away a person's second factor.

A person is one in all their workspaces, so each of these is told in the audit of every one of them.
"""

from __future__ import annotations

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotNow
from signoff.kit.sealing import Sealed, Sealer
from signoff.people import second_factors as factor
from signoff.people.access import Principal, authorize
from signoff.people.actions.factor_news import tell_factor_gone
from signoff.people.actions.members import member_to_change
from signoff.people.actions.sessions import end_everything
from signoff.people.actions.setup_links import refuse_if_elsewhere, refuse_oneself
from signoff.people.everywhere import note_everywhere
from signoff.record import audit
from signoff.tables.people import RecoveryCode, SecondFactor, SetupLink
from signoff.tables.session import lifted

_ROWS_AT_ONCE = 200


def begin_second_factor(session: Session, sealer: Sealer, person_id: str, *, begun_by: str | None = None) -> str:
    """Make a secret for an authenticator app; it counts once `confirm_second_factor` has seen a code of it.

    Returns the secret, to be shown to the person. Beginning again makes a new one.

    Args:
        begun_by: the unfinished sign-in it is made for: no other may see or confirm it.

    Raises:
        NotNow: the person has a second factor already.
    """
    row = session.get(SecondFactor, person_id, populate_existing=True)
    if row is not None and row.confirmed_at is not None:
        raise NotNow("A second factor is set up already. Turn it off first, to set up another app.")
    secret = factor.new_secret()
    sealed = sealer.seal(secret, factor.place_of(person_id))
    session.execute(
        delete(SecondFactor).where(SecondFactor.person_id == person_id, SecondFactor.confirmed_at.is_(None))
    )
    session.add(
        SecondFactor(
            person_id=person_id,
            ciphertext=sealed.ciphertext,
            nonce=sealed.nonce,
            key_id=sealed.key_id,
            last_step=0,
            created_at=clock.now(),
            begun_by=begun_by,
        )
    )
    session.flush()
    return secret


def unconfirmed_secret(session: Session, sealer: Sealer, person_id: str, *, begun_by: str | None = None) -> str | None:
    """Return the secret that waits to be confirmed; None when there is none, or another sign-in began it."""
    row = session.get(SecondFactor, person_id)
    if row is None or row.confirmed_at is not None or row.begun_by != begun_by:
        return None
    return _opened(sealer, row)


def confirm_second_factor(
    session: Session, sealer: Sealer, person_id: str, code: str, *, begun_by: str | None = None
) -> list[str]:
    """Turn the second factor on, shown by a code of the app; return the recovery codes, which are shown once.

    Raises:
        Malformed: the code is not the app's present one.
        NotNow: nothing waits to be confirmed, or another sign-in began it.
    """
    row = session.get(SecondFactor, person_id, populate_existing=True)
    if row is None or row.confirmed_at is not None or row.begun_by != begun_by:
        raise NotNow("Nothing waits to be confirmed. Begin again.")
    step = factor.matching_step(_opened(sealer, row), code, after=row.last_step)
    if step is None:
        raise wrong_code()
    confirmed = session.execute(
        update(SecondFactor)
        .where(
            SecondFactor.person_id == person_id,
            SecondFactor.confirmed_at.is_(None),
            SecondFactor.ciphertext == row.ciphertext,
        )
        .values(confirmed_at=clock.now(), last_step=step)
    )
    _exactly_one(confirmed)
    codes = _fresh_codes(session, person_id)
    note_everywhere(session, person_id, "second_factor.turned_on")
    return codes


def use_second_factor(session: Session, sealer: Sealer, person_id: str, code: str) -> str:
    """Use a code of the app, or a recovery code, up. Returns which it was: `app` or `recovery`.

    Raises:
        Malformed: it is no code, not the present one, or was used before; all are told alike.
    """
    if factor.digits_of(code) is not None:
        if _use_app_code(session, sealer, person_id, code):
            return "app"
    elif _use_recovery_code(session, person_id, code):
        note_everywhere(session, person_id, "second_factor.recovery_code_used")
        return "recovery"
    raise wrong_code()


def _use_app_code(session: Session, sealer: Sealer, person_id: str, code: str) -> bool:
    row = session.get(SecondFactor, person_id, populate_existing=True)
    if row is None or row.confirmed_at is None:
        return False
    step = factor.matching_step(_opened(sealer, row), code, after=row.last_step)
    if step is None:
        return False
    # Of two who bring the same code at the same instant, one is let in.
    used = session.execute(
        update(SecondFactor)
        .where(
            SecondFactor.person_id == person_id,
            SecondFactor.confirmed_at.is_not(None),
            SecondFactor.ciphertext == row.ciphertext,
            SecondFactor.last_step < step,
        )
        .values(last_step=step)
    )
    return isinstance(used, CursorResult) and used.rowcount == 1


def _use_recovery_code(session: Session, person_id: str, code: str) -> bool:
    is_on = session.scalar(
        select(SecondFactor.person_id).where(
            SecondFactor.person_id == person_id, SecondFactor.confirmed_at.is_not(None)
        )
    )
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.code_hash == factor.recovery_hash(person_id, code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
    )
    return is_on is not None and isinstance(used, CursorResult) and used.rowcount == 1


def renew_recovery_codes(session: Session, person_id: str) -> list[str]:
    """Replace all recovery codes by new ones, which are shown once. The caller has just proven a code."""
    codes = _fresh_codes(session, person_id)
    note_everywhere(session, person_id, "second_factor.codes_renewed")
    return codes


def turn_off_second_factor(session: Session, person_id: str) -> None:
    """Take the person's own second factor away. The caller has just proven a code. A mail tells the person."""
    _forget(session, person_id)
    note_everywhere(session, person_id, "second_factor.turned_off")
    tell_factor_gone(session, person_id, "turned_off")


def disown_second_factor(session: Session, person_id: str) -> None:
    """Take away what somebody else set up in a person's name, and end the links against it: their mailbox said so."""
    _forget(session, person_id)
    with lifted(session):
        session.execute(
            update(SetupLink)
            .where(SetupLink.person_id == person_id, SetupLink.purpose == "not_me", SetupLink.used_at.is_(None))
            .values(used_at=clock.now())
        )
    note_everywhere(session, person_id, "second_factor.turned_off", {"how": "link:not_me"})


def reset_second_factor(session: Session, principal: Principal, member_id: str) -> None:
    """Take a member's second factor away, because app and recovery codes are lost. Sessions end, and a mail tells them.

    Raises:
        NotNow: there is no second factor; or the person belongs to another workspace as well, which this would make
            less safe: the operator can.
        NotFound: there is no such member.
        NotAllowed: it is the caller's own, or of somebody who may do more.
    """
    authorize(principal, "member.manage")
    member = member_to_change(session, principal, member_id)
    if principal.kind != "system":
        refuse_oneself(principal, member)
        refuse_if_elsewhere(session, member.person_id, member.workspace_id)
    if not _forget(session, member.person_id):
        raise NotNow("This member has no second factor to reset.")
    end_everything(session, member.person_id)
    tell_factor_gone(session, member.person_id, "reset")
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="second_factor.reset",
        object_kind="member",
        object_id=member.id,
    )


def seal_second_factors_anew(session: Session, sealer: Sealer) -> int:
    """Encrypt with the current key what an older one still holds; return how many. Part of rotating the master key."""
    count = 0
    while rows := session.scalars(
        select(SecondFactor)
        .where(SecondFactor.key_id != sealer.keys.current.id)
        .order_by(SecondFactor.person_id)
        .limit(_ROWS_AT_ONCE)
    ).all():
        for row in rows:
            sealed = sealer.seal(_opened(sealer, row), factor.place_of(row.person_id))
            row.ciphertext, row.nonce, row.key_id = sealed.ciphertext, sealed.nonce, sealed.key_id
        session.flush()
        count += len(rows)
    return count


def wrong_code() -> Malformed:
    """Return the one answer for every code that does not do."""
    return Malformed(
        "This code is not right, or was used before. Wait for the app's next one, then type that.",
        errors={"code": ["This code is not right, or was used before. Wait for the app's next one, then type that."]},
        code="bad_code",
    )


def _opened(sealer: Sealer, row: SecondFactor) -> str:
    return sealer.open(Sealed(row.ciphertext, row.nonce, row.key_id), factor.place_of(row.person_id))


def _fresh_codes(session: Session, person_id: str) -> list[str]:
    moment = clock.now()
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    codes = [factor.new_recovery_code() for _ in range(factor.RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(
            id=ids.new_id("rec"),
            person_id=person_id,
            code_hash=factor.recovery_hash(person_id, code),
            created_at=moment,
        )
        for code in codes
    )
    session.flush()
    return codes


def _forget(session: Session, person_id: str) -> bool:
    session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    gone = session.execute(delete(SecondFactor).where(SecondFactor.person_id == person_id))
    return isinstance(gone, CursorResult) and gone.rowcount == 1


def _exactly_one(result: object) -> None:
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise NotNow("It was changed in another window meanwhile. Look again.")
