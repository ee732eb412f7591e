"""Pairs of a release's shadow: what was answered beside what its revision would have, and what people say to it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import AtDesk, Cursor, Id, Size
from signoff.api.shapes import Body
from signoff.api.shapes import router as make_router
from signoff.releases import shadow
from signoff.releases.shadow import Agreement, PairDetail, PairFilter, PairJudgement, PairRow
from signoff.releases.shadow.queries import PairState

router = make_router("releases")

_JUDGED: dict[int | str, dict[str, Any]] = {
    409: {
        "description": "It is not compared yet (`not_compared`), or somebody else judged it (`judged_already`, with "
        "who and when). Nothing was changed."
    },
}


class Judge(Body):
    """How the candidate did beside what was answered."""

    judgement: PairJudgement


@router.get("/v1/{workspace}/releases/{release}/pairs", response_model=Listed[PairRow])
async def pairs(
    desk: AtDesk,
    release: Id,
    state: PairState | None = None,
    equal: Annotated[bool | None, Query(description="Only what is the same, or only what differs.")] = None,
    judged: Annotated[bool | None, Query(description="Only what somebody has judged, or what waits for it.")] = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The pairs of a release, newest first."""
    wanted = PairFilter(state=state, is_equal=equal, is_judged=judged)
    return answer(listed(await desk.read(shadow.pairs_page, release, wanted, cursor=cursor, size=size)))


@router.get("/v1/{workspace}/releases/{release}/pairs:agreement", response_model=Agreement)
async def pair_agreement(desk: AtDesk, release: Id) -> Response:
    """How many pairs are equal, and how people judged them, each share with its interval at 95 %."""
    return answer(await desk.read(shadow.agreement, release))


@router.get("/v1/{workspace}/releases/{release}/pairs/{run}", response_model=PairDetail)
async def pair(desk: AtDesk, release: Id, run: Id) -> Response:
    """One pair whole, by the run that was answered."""
    return answer(await desk.read(shadow.pair, release, run))


@router.post("/v1/{workspace}/releases/{release}/pairs/{run}:judge", response_model=Done, responses=_JUDGED)
async def judge_pair(desk: AtDesk, release: Id, run: Id, body: Judge) -> Response:
    """Say whether the candidate would have done better, the same or worse. Only who said it may change it."""
    await desk.write(shadow.judge_pair, release, run, body.judgement)
    return answer(Done())
