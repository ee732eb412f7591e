"""Answering a request. Whoever and however many answer, one answer wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from signoff.approvals.states import ApprovalState, Verdict
from signoff.people.access import Principal


@dataclass(frozen=True, slots=True)
class Decided:
    """What an answer did. `state` is `pending` while more must agree; `is_resumed`: the run goes on."""

    id: str
    state: ApprovalState
    votes: int
    quorum: int
    is_resumed: bool


def decide(
    session: Session,
    principal: Principal,
    approval_id: str,
    *,
    verdict: Verdict,
    args: Mapping[str, Any] | None = None,
    answers: Sequence[Mapping[str, Any]] | None = None,
    amount_usd: Decimal | None = None,
    endorse: Sequence[str] = (),
    reason: str | None = None,
    reason_code: str | None = None,
    via: str = "api",
) -> Decided:
    """Answer a request as the caller, whose word counts once.

    Args:
        args: approve with these arguments instead.
        answers: to the questions, in their order: `{"options": [...], "text": "..."}` each.
        endorse: names of arguments whose values are accepted for the rest of the run.

    Raises:
        NotFound: the caller has no such request.
        NotAllowed: the caller is not asked, or may not answer (any more).
        NotNow: somebody was first, it expired, or its run is over; says who and when.
        Malformed: a reason is missing, or the arguments or answers do not fit.
    """
    raise NotImplementedError
