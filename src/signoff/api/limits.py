"""What bounds the work: money, prices, and the order to stop writing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import Field, StrictBool
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, IdText, Reason, Usd
from signoff.api.shapes import router as make_router
from signoff.budgets import caps, queries
from signoff.budgets import limits as limiting
from signoff.budgets.defaults import Defaults, defaults_of
from signoff.budgets.limits import FIELDS
from signoff.budgets.overview import LimitLine, limit_lines
from signoff.budgets.queries import DayOfSpend, Spend
from signoff.budgets.states import Covers
from signoff.budgets.states import Scope as BudgetScope
from signoff.budgets.windows import Period
from signoff.freezes import actions as freezing
from signoff.freezes import queries as freezes_queries
from signoff.freezes.queries import Freeze
from signoff.freezes.states import Scope
from signoff.people.access import Principal, authorize

router = make_router("limits")

_Model = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,62}:[A-Za-z0-9._@-]{1,130}$", examples=["openai:gpt-5-mini"])]
_Price = Annotated[Decimal, Field(ge=0, le=100_000, max_digits=15, decimal_places=9)]


class DailyCap(Body):
    """What the workspace may spend on models in a day; null for no limit."""

    daily_cap_usd: Usd | None


class NewLimits(Body):
    """What one target may spend. A period that is left out stays as it is; null is no limit. A day may not have more
    than its week, and a week not more than its month.

    `target` is the slug or id of an agent or environment. `covers` is the money of all runs, of production runs, or of
    test runs; each has limits of its own.
    """

    scope: BudgetScope
    target: IdText | None = None
    covers: Covers = "all"
    daily_usd: Usd | None = None
    weekly_usd: Usd | None = None
    monthly_usd: Usd | None = None
    alert_percent: Annotated[int | None, Field(ge=1, le=100, description="People are told at so much of it.")] = None
    is_hard: Annotated[StrictBool | None, Field(description="Whether calls over it are refused.")] = None


class NewPrice(Body):
    """US dollars per million tokens."""

    input_usd: _Price
    output_usd: _Price


class NewFreeze(Body):
    """Stop writing, now: one agent, one connection (`target_id`), or the whole workspace."""

    scope: Scope
    target_id: IdText | None = None
    reason: Annotated[Reason, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Budget:
    """Today against the cap, and the days before, newest first. US dollars."""

    today: Spend
    days: list[DayOfSpend]


@router.get("/v1/{workspace}/budget", response_model=Budget)
async def budget(desk: AtDesk, days: Annotated[int, Query(ge=1, le=366)] = 30) -> Response:
    """What was spent, and what is left today."""
    return answer(await desk.read(_budget, defaults_of(desk.settings), days))


def _budget(session: Session, viewer: Principal, defaults: Defaults, days: int) -> Budget:
    authorize(viewer, "budget.read")
    return Budget(queries.today(session, viewer.workspace_id, defaults), queries.daily(session, viewer, days=days))


@router.put("/v1/{workspace}/budget", response_model=Budget)
async def set_daily_cap(desk: AtDesk, body: DailyCap) -> Response:
    """Set the daily limit. It holds from the next model call on."""
    await desk.write(caps.set_daily_cap, cap_usd=body.daily_cap_usd)
    return answer(await desk.read(_budget, defaults_of(desk.settings), 30))


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that hold, those of agents last. US dollars."""

    items: list[LimitLine]


@router.get("/v1/{workspace}/limits", response_model=Limits)
async def limits(
    desk: AtDesk, agent: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")] = None
) -> Response:
    """Every limit of money with what is spent of it; with `agent`, those of one agent."""
    return answer(Limits(await desk.read(_limits, defaults_of(desk.settings), agent)))


def _limits(session: Session, viewer: Principal, defaults: Defaults, agent: str | None) -> list[LimitLine]:
    found = agent_for(session, viewer, agent, "agent.read").id if agent else None
    return limit_lines(session, viewer, defaults, agent=found)


@router.put("/v1/{workspace}/limits", response_model=Limits)
async def set_limits(desk: AtDesk, body: NewLimits) -> Response:
    """Set limits of one target. They hold from the next model call on, also for what is spent already."""
    given = body.model_dump(include={"scope", "target", "covers", "alert_percent", "is_hard"})
    caps: dict[Period, Decimal | None] = {
        period: getattr(body, name) for period, name in FIELDS.items() if name in body.model_fields_set
    }
    defaults = defaults_of(desk.settings)
    await desk.write(limiting.set_limits, defaults, limiting.Change(**given, caps=caps))
    return answer(Limits(await desk.read(_limits, defaults, None)))


@router.put("/v1/{workspace}/prices/{model}", response_model=Done)
async def set_price(desk: AtDesk, model: _Model, body: NewPrice) -> Response:
    """Enter the price of a model that nobody lists, or that is listed wrongly."""
    await desk.write(caps.set_price, model=model, input_usd=body.input_usd, output_usd=body.output_usd)
    return answer(Done())


@router.delete("/v1/{workspace}/prices/{model}", response_model=Done)
async def remove_price(desk: AtDesk, model: _Model) -> Response:
    """Go back to the listed price."""
    await desk.write(caps.remove_price, model=model)
    return answer(Done())


@router.get("/v1/{workspace}/freezes", response_model=Listed[Freeze])
async def freezes(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """Every freeze, standing and lifted, newest first."""
    return answer(listed(await desk.read(freezes_queries.freezes_page, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/freezes", response_model=Made, status_code=201)
async def order_freeze(desk: AtMakingDesk, body: NewFreeze) -> Response:
    """Stop writing. It holds from the next tool call on; reading goes on."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=freezing.order_freeze(session, principal, **body.model_dump()))

    return answer(await desk.make("freeze.order", body.model_dump(mode="json"), work), 201)


@router.post("/v1/{workspace}/freezes/{freeze}:lift", response_model=Done)
async def lift_freeze(desk: AtDesk, freeze: Id) -> Response:
    """Let what was frozen write again."""
    await desk.write(freezing.lift_freeze, freeze)
    return answer(Done())
