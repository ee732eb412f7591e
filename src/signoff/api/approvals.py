"""Requests to people: find those that wait, read one, answer it, give it to somebody else.

Who answers is the caller and nobody a body could name. Of several answers the first stands; later ones are told who was
first, and when.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, MakingDesk, Size
from signoff.api.shapes import Body, IdText, Json, Reason, Usd
from signoff.api.shapes import router as make_router
from signoff.approvals import actions, queries
from signoff.approvals.actions import Decided
from signoff.approvals.facts import ApprovalCounts, ApprovalDetail, ApprovalFilter, ApprovalRow
from signoff.approvals.states import ApprovalKind, ApprovalState, Verdict
from signoff.people.access import Principal

router = make_router("approvals")

_Name = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
_Code = Annotated[str | None, Field(max_length=60, description="One of the gate's reason codes.")]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    403: {"description": "The caller is not asked (`not_asked`), or must not decide this one (`not_by_you`)."},
    404: {"description": "The caller has no such request."},
    409: {
        "description": "Somebody was first (`answered_already`, with who and when), the caller has voted before "
        "(`answered_before`), the deadline is past (`deadline_passed`), or the run is over (`run_over`). Nothing was "
        "changed."
    },
    422: {"description": "A reason is missing, or the arguments or answers do not fit."},
}


class Approve(Body):
    """Agree to exactly this call; or, with `args`, to the same call with these arguments instead."""

    args: Annotated[Json | None, Field(description="All arguments, as they shall be sent.")] = None
    endorse: Annotated[
        list[Annotated[str, Field(max_length=200)]],
        Field(max_length=20, description="Arguments whose values are accepted for the rest of the run."),
    ] = []  # noqa: RUF012  # Copied for each body.
    amount_usd: Annotated[Usd | None, Field(description="By how much a budget is raised.")] = None
    reason: Reason = ""


class Deny(Body):
    """Do not agree. The reason goes to the agent, which may do something else."""

    reason: Reason = ""
    reason_code: _Code = None


class OneAnswer(Body):
    """The answer to one question: options that were offered, a text, or both."""

    options: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=20)] = []  # noqa: RUF012
    text: Annotated[str, Field(max_length=4_000)] = ""


class Answers(Body):
    """Answers to a question, one for each in its order; none for a login that works now."""

    answers: Annotated[list[OneAnswer] | None, Field(max_length=5)] = None
    reason: Reason = ""


class Delegate(Body):
    """Who shall be asked, and why. Who is asked gives away their place; a manager adds one."""

    to_member_id: IdText
    reason: Annotated[Reason, Field(min_length=1)]


@router.get("/v1/{workspace}/approvals", response_model=Listed[ApprovalRow])
async def approvals(
    desk: AtDesk,
    state: Annotated[
        list[ApprovalState] | None, Query(max_length=6, description="One or more; those that wait, unless said.")
    ] = None,
    kind: ApprovalKind | None = None,
    agent: _Name = None,
    gate: Annotated[str | None, Query(max_length=80)] = None,
    run: _Name = None,
    mine: Annotated[bool, Query(description="Only what the caller is, or was, asked.")] = False,
    older_than_hours: Annotated[float | None, Query(ge=0, le=87_600)] = None,
    oldest_first: bool = False,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """Requests to people, newest first. All filters can be combined."""
    wanted = ApprovalFilter(
        states=tuple(state or ("pending",)), kind=kind, agent=agent, gate=gate, run_id=run, is_mine=mine,
        older_than_hours=older_than_hours,
    )  # fmt: skip
    page = await desk.read(queries.inbox, wanted, is_oldest_first=oldest_first, cursor=cursor, size=size)
    return answer(listed(page))


@router.get("/v1/{workspace}/approvals:counts", response_model=ApprovalCounts)
async def approval_counts(desk: AtDesk) -> Response:
    """How many wait for the caller, and how many the caller sees; each number at most 1,000."""
    return answer(await desk.read(queries.counts))


@router.get("/v1/{workspace}/approvals/{approval}", response_model=ApprovalDetail)
async def approval(desk: AtDesk, approval: Id) -> Response:
    """One request whole: what is to be done, why it is asked, who is asked, what they said."""
    return answer(await desk.read(queries.approval, approval))


@router.post("/v1/{workspace}/approvals/{approval}:approve", response_model=Decided, responses=_ANSWERS)
async def approve(desk: AtMakingDesk, approval: Id, body: Approve) -> Response:
    """Agree to a call. Where a quorum is asked for, it counts as one voice."""
    return await _decided(desk, approval, "approve", body, lambda: _approving(body))


@router.post("/v1/{workspace}/approvals/{approval}:deny", response_model=Decided, responses=_ANSWERS)
async def deny(desk: AtMakingDesk, approval: Id, body: Deny) -> Response:
    """Refuse a call, or an answer. One denial is enough, whatever the quorum."""
    return await _decided(
        desk, approval, "deny", body, lambda: {"reason": body.reason, "reason_code": body.reason_code}
    )


@router.post("/v1/{workspace}/approvals/{approval}:answer", response_model=Decided, responses=_ANSWERS)
async def answer_approval(desk: AtMakingDesk, approval: Id, body: Answers) -> Response:
    """Answer the agent's question, or say that the login it asked for works."""

    def said() -> dict[str, Any]:
        given = None if body.answers is None else [one.model_dump() for one in body.answers]
        return {"answers": given, "reason": body.reason}

    return await _decided(desk, approval, "answer", body, said)


@router.post("/v1/{workspace}/approvals/{approval}:delegate", response_model=Done, responses=_ANSWERS)
async def delegate_approval(desk: AtDesk, approval: Id, body: Delegate) -> Response:
    """Have somebody else asked."""
    await desk.write(actions.delegate, approval, to_member_id=body.to_member_id, reason=body.reason)
    return answer(Done())


def _approving(body: Approve) -> dict[str, Any]:
    return {"args": body.args, "endorse": body.endorse, "amount_usd": body.amount_usd, "reason": body.reason}


async def _decided(
    desk: MakingDesk, approval_id: str, verdict: Verdict, body: Body, said: Callable[[], dict[str, Any]]
) -> Response:
    def work(session: Session, principal: Principal) -> Decided:
        return actions.decide(session, principal, approval_id, verdict=verdict, via="api", **said())

    asked = {"approval": approval_id, **body.model_dump(mode="json")}
    return answer(await desk.make(f"approval.{verdict}", asked, work))
