"""The list of which run read which secret does not grow for ever."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from signoff.tables.connections import SecretUse


def sweep_uses(session: Session, *, before: datetime) -> None:
    """Forget the uses before a moment. The audit keeps its rows of them."""
    session.execute(delete(SecretUse).where(SecretUse.first_at < before))
