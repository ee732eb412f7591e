"""What follows a release: the first week of an agent in production, day by day, and its reviews."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import AgentName, AtDesk, Cursor, Id, Size
from signoff.api.shapes import Body, Reason, SlugText
from signoff.api.shapes import router as make_router
from signoff.releases.follow_up import queries, reading, reviews
from signoff.releases.follow_up.states import Reading
from signoff.releases.follow_up.views import FollowUpFacts, ReviewFacts

router = make_router("follow-ups")

_Environment = Annotated[str, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="A production environment's slug.")]
_Run = Annotated[str, Field(pattern=r"^run_[a-z0-9]{1,60}$")]


class ReadOutputs(Body):
    """What reading some outputs of a day found: three to five runs, or all where fewer completed."""

    environment: SlugText
    reading: Reading
    runs: Annotated[list[_Run], Field(max_length=20, description="The completed runs of that day that were read.")]
    day: Annotated[
        str | None, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="Today unless said; or yesterday.")
    ] = None
    note: Annotated[str, Field(max_length=2_000, description="Wanted when something is wrong.")] = ""


class EndFirstWeek(Body):
    """Where, and why before its time."""

    environment: SlugText
    reason: Annotated[Reason, Field(min_length=1)]


class DoReview(Body):
    """What was found, and what follows from it."""

    note: Annotated[Reason, Field(min_length=1)]


class DayRead(BaseModel):
    """The day that was spoken of."""

    day: str


@router.get("/v1/{workspace}/agents/{agent}/follow-up", response_model=FollowUpFacts)
async def follow_up(desk: AtDesk, agent: AgentName, environment: _Environment = "production") -> Response:
    """How an agent is followed since it first served: its first week day by day, and when it is reviewed next."""
    return answer(await desk.read(queries.follow_up, agent, environment))


@router.post("/v1/{workspace}/agents/{agent}/follow-up:read", response_model=DayRead)
async def read_outputs(desk: AtDesk, agent: AgentName, body: ReadOutputs) -> Response:
    """Say, by name, that outputs of a day were read, and what they are like."""
    day = await desk.write(
        reading.read_outputs, agent, environment=body.environment, day=body.day, reading=body.reading, runs=body.runs,
        note=body.note,
    )  # fmt: skip
    return answer(DayRead(day=day))


@router.post("/v1/{workspace}/agents/{agent}/follow-up:end", response_model=Done)
async def end_first_week(desk: AtDesk, agent: AgentName, body: EndFirstWeek) -> Response:
    """End a first week before its time, with a reason that is kept."""
    await desk.write(reading.end_by_hand, agent, environment=body.environment, reason=body.reason)
    return answer(Done())


@router.get("/v1/{workspace}/reviews", response_model=Listed[ReviewFacts])
async def reviews_of(
    desk: AtDesk,
    agent: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$", description="Slug or id.")] = None,
    is_open: Annotated[
        bool | None, Query(alias="open", description="Only what is to be done, or what is done.")
    ] = None,
    is_mine: Annotated[bool, Query(alias="mine", description="Only what is assigned to the caller.")] = False,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """Reviews of agents in production, newest first, each with its figures as they were when it was made."""
    page = await desk.read(
        queries.reviews_page, agent=agent, is_open=is_open, is_mine=is_mine, cursor=cursor, size=size
    )
    return answer(listed(page))


@router.get("/v1/{workspace}/reviews/{review}", response_model=ReviewFacts)
async def review(desk: AtDesk, review: Id) -> Response:
    """One review."""
    return answer(await desk.read(queries.review, review))


@router.post("/v1/{workspace}/reviews/{review}:done", response_model=Done)
async def do_review(desk: AtDesk, review: Id, body: DoReview) -> Response:
    """Say what came of a review; it is done."""
    await desk.write(reviews.do_review, review, note=body.note)
    return answer(Done())
