"""The deadline of a request: what the gate says happens then."""

from __future__ import annotations

from sqlalchemy.orm import Session


def expire(session: Session, approval_id: str) -> bool:
    """Let a request that is past its deadline end as its gate says. False when it was answered, or is not due."""
    raise NotImplementedError
