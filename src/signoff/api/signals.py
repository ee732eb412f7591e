"""What finished runs say of an agent, and of a release's revision beside what serves."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from signoff.api.answers import answer
from signoff.api.desk import AgentName, AtDesk, Id
from signoff.api.shapes import Moment
from signoff.api.shapes import router as make_router
from signoff.releases.comparison import Comparison, comparison_of
from signoff.runs.states import Origin, Variant
from signoff.watch.signals import HoursOfSignals, hours_of

router = make_router("releases")


@router.get("/v1/{workspace}/releases/{release}/comparison", response_model=Comparison)
async def release_comparison(desk: AtDesk, release: Id) -> Response:
    """What is known by now: each metric with its interval, the verdict, and why. May be asked as often as you like."""
    return answer(await desk.read(comparison_of, release))


@router.get("/v1/{workspace}/agents/{agent}/signals", response_model=HoursOfSignals)
async def agent_signals(
    desk: AtDesk,
    agent: AgentName,
    since: Annotated[Moment | None, Query(description="24 hours before `until` unless said; at most 31 days.")] = None,
    until: Annotated[Moment | None, Query(description="Now unless said.")] = None,
    environment: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="Its slug.")] = None,
    revision: Annotated[int | None, Query(ge=1, le=999_999_999, description="Its number.")] = None,
    variant: Annotated[Variant | None, Query(description="As what the runs were started.")] = None,
    origin: Annotated[Origin | None, Query()] = None,
) -> Response:
    """The finished runs of an agent by the hour, newest first: how many, how they ended, what they cost and took."""
    return answer(
        await desk.read(
            hours_of,
            agent,
            since=since,
            until=until,
            environment=environment,
            revision=revision,
            variant=variant,
            origin=origin,
        )
    )
