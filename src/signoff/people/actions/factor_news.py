"""Has a person told by mail that their second factor is gone: whoever took it away may not be them."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.record import outbox
from signoff.tables.people import Member
from signoff.tables.session import lifted

# The outbox message. It holds no address and no secret: both are looked up when it is written.
FACTOR_GONE = "factor.gone"

# `turned_off` by somebody who gave a code of it in their session, `reset` by an administrator or the operator.
How = Literal["turned_off", "reset"]


def tell_factor_gone(session: Session, person_id: str, how: How) -> None:
    """Leave the news for the mail of a person, in the transaction that took their second factor away."""
    with lifted(session):  # The person's, whatever workspace it was done in.
        place = session.scalar(
            select(Member.workspace_id)
            .where(Member.person_id == person_id, Member.state == "active")
            .order_by(Member.accepted_at.is_(None), Member.id.desc())
            .limit(1)
        )
        if place is None:
            return
        payload = {"person": person_id, "how": how, "at": clock.now().isoformat()}
        outbox.send(session, workspace_id=place, kind=FACTOR_GONE, payload=payload)
