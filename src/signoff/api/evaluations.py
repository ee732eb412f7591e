"""Evaluations: a revision tried on a dataset beside what serves, and what each example came to."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, IdText, SlugText
from signoff.api.shapes import router as make_router
from signoff.evaluations import actions, results
from signoff.evaluations.limits import CAP_USD, CAP_USD_MAX
from signoff.evaluations.states import EvaluationState
from signoff.evaluations.verdict import Outcome
from signoff.evaluations.views import EvaluationDetail, EvaluationFacts, ResultFacts
from signoff.people.access import Principal

router = make_router("evaluations")

_Agent = Annotated[str | None, Query(max_length=100, description="Slug or id.")]
_IdFilter = Annotated[str | None, Query(max_length=100, description="An id.")]
_State = Annotated[EvaluationState | None, Query(description="Only evaluations in this state.")]
_Verdict = Annotated[Outcome | None, Query(description="How the candidate did beside what serves.")]


class NewEvaluation(Body):
    """What to try, on what, beside what serves where."""

    dataset: IdText
    environment: Annotated[SlugText, Field(description="What serves there is the baseline.")] = "production"
    revision: Annotated[
        int | IdText | None,
        Field(description="Number or id; left out: what serves is measured again.", examples=[7]),
    ] = None
    draft: Annotated[bool, Field(description="Try the draft instead, as it is at this moment.")] = False
    cap_usd: Annotated[
        Decimal, Field(gt=0, le=CAP_USD_MAX, max_digits=16, decimal_places=9, description="For all its runs together.")
    ] = CAP_USD


@router.post("/v1/{workspace}/agents/{agent}:evaluate", response_model=Made, status_code=202)
async def evaluate(desk: AtMakingDesk, agent: AgentName, body: NewEvaluation) -> Response:
    """Try a revision on every example of a dataset, beside what serves. It acts on nothing, and asks nobody."""

    def work(session: Session, principal: Principal) -> Made:
        made = actions.request_evaluation(
            session, principal, agent, body.dataset, environment=body.environment, revision=body.revision,
            draft=body.draft, cap_usd=body.cap_usd,
        )  # fmt: skip
        return Made(id=made)

    return answer(await desk.make("evaluation.request", {"agent": agent, **body.model_dump(mode="json")}, work), 202)


@router.get("/v1/{workspace}/evaluations", response_model=Listed[EvaluationFacts])
async def evaluations(
    desk: AtDesk, agent: _Agent = None, dataset: _IdFilter = None, revision: _IdFilter = None, state: _State = None,
    cursor: Cursor = None, size: Size = None,
) -> Response:  # fmt: skip
    """The evaluations of the workspace, newest first."""
    page = await desk.read(
        results.evaluations_page, agent=agent, dataset=dataset, revision=revision, state=state, cursor=cursor,
        size=size,
    )  # fmt: skip
    return answer(listed(page))


@router.get("/v1/{workspace}/evaluations/{evaluation}", response_model=EvaluationDetail)
async def evaluation(desk: AtDesk, evaluation: Id) -> Response:
    """One evaluation: its verdict with the reasons, the scores and how they are spread, time and cost of both sides."""
    return answer(await desk.read(results.evaluation, evaluation))


@router.get("/v1/{workspace}/evaluations/{evaluation}/results", response_model=Listed[ResultFacts])
async def evaluation_results(
    desk: AtDesk, evaluation: Id, verdict: _Verdict = None, critical: bool | None = None, cursor: Cursor = None,
    size: Size = None,
) -> Response:  # fmt: skip
    """The examples of an evaluation, the oldest first: what both sides answered, how it was scored, and why."""
    page = await desk.read(
        results.results_page, evaluation, verdict=verdict, is_critical=critical, cursor=cursor, size=size
    )
    return answer(listed(page))


@router.post("/v1/{workspace}/evaluations/{evaluation}:cancel", response_model=Done)
async def cancel_evaluation(desk: AtDesk, evaluation: Id) -> Response:
    """Call an evaluation off, with its runs. What was measured stays to be read."""
    await desk.write(actions.cancel_evaluation, evaluation)
    return answer(Done())
