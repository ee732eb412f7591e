"""Acts whose outcome nobody knows: a person finds out and says so. They are never repeated silently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Listed, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Size
from signoff.api.shapes import Body, Reason
from signoff.api.shapes import router as make_router
from signoff.people.access import Principal
from signoff.runs import actions, queries
from signoff.runs.states import Settlement
from signoff.runs.views import EffectRow

router = make_router("effects")

_EffectKey = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_:.\-]{0,199}$", description="`key` in the list.")]


class Settle(Body):
    """What was found out: it happened (with what `result`), it did not, or it did not and may be done again."""

    outcome: Settlement
    reason: Annotated[Reason, Field(min_length=1)]
    result: Any = None


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether the run goes on by this; it waits for its other open acts first."""

    goes_on: bool


@router.get("/v1/{workspace}/effects", response_model=Listed[EffectRow])
async def open_effects(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """The acts to settle, newest first."""
    return answer(listed(await desk.read(queries.open_effects_page, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/effects/{effect}:settle", response_model=Settled)
async def settle_effect(desk: AtMakingDesk, effect: _EffectKey, body: Settle) -> Response:
    """Say what came of an act."""

    def work(session: Session, principal: Principal) -> Settled:
        return Settled(
            actions.settle_effect(
                session, principal, effect, outcome=body.outcome, reason=body.reason, result=body.result
            )
        )

    return answer(await desk.make("effect.settle", {"effect": effect, **body.model_dump(mode="json")}, work))
