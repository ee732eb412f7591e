"""Giving a request to somebody else."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.people.access import Principal


def delegate(session: Session, principal: Principal, approval_id: str, *, to_member_id: str, reason: str) -> None:
    """Have somebody else asked. Who is asked gives away their own place; who may assign adds one.

    Raises:
        NotFound: the caller has no such request, or there is no such member.
        NotAllowed: the caller is neither asked nor may assign; or the other may not answer it.
        NotNow: it has ended, or they are asked already.
    """
    raise NotImplementedError
