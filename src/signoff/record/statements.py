"""The statements of the trace, built once: they run with every step, and building one costs more than running it."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Integer,
    String,
    Table,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from signoff.tables.base import Json, Moment, Usd
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run, RunEvent, Step
from signoff.tables.upsert import Insert, in_each

_steps = cast("Table", Step.__table__)
_runs = cast("Table", Run.__table__)
_is_of_run = _steps.c.run_id == bindparam("of_run")


def _begin(new: Insert) -> Any:
    last = select(func.coalesce(func.max(_steps.c.seq), 0) + 1).where(_is_of_run).scalar_subquery()
    made = new.values(seq=last)
    again = {name: made.excluded[name] for name in ("leg", "state", "request")}
    again |= {"attempts": _steps.c.attempts + 1, "code": None, "reason": None, "ended_at": None}
    return made.on_conflict_do_update(index_elements=["run_id", "key"], set_=again).returning(
        _steps.c.id, _steps.c.seq, _steps.c.name
    )


def _end(merged: Any) -> Any:
    def more(column: Any, name: str, kind: Any) -> Any:
        # Adds to what an earlier attempt used; unknown stays unknown, and takes nothing away.
        used = bindparam(name, type_=kind)
        return func.coalesce(column + used, column, used)

    return (
        update(_steps)
        # Of two attempts the first to end is the record; one that was cut off may still tell what came of it.
        .where(
            _is_of_run,
            _steps.c.key == bindparam("of_key"),
            or_(_steps.c.ended_at.is_(None), _steps.c.code == "cut_off"),
        )
        .values(
            state=bindparam("to_state"),
            code=bindparam("with_code"),
            reason=bindparam("with_reason"),
            response=bindparam("with_response", type_=Json),
            verdicts=bindparam("with_verdicts", type_=Json),
            ended_at=bindparam("moment", type_=Moment),
            detail=merged,
            # Begun anew after a crash, and repeated in one go: a try is a try.
            attempts=_steps.c.attempts + bindparam("repeats", type_=Integer),
            model=func.coalesce(bindparam("by_model", type_=String), _steps.c.model),
            cost_usd=more(_steps.c.cost_usd, "cost", Usd),
            tokens_in=more(_steps.c.tokens_in, "into", BigInteger),
            tokens_out=more(_steps.c.tokens_out, "out", BigInteger),
        )
        .returning(_steps.c.id, _steps.c.seq, _steps.c.kind, _steps.c.name, _steps.c.workspace_id)
    )


def _estimate(merged: Any) -> Any:
    cost = bindparam("cost", type_=Usd)
    return (
        update(_steps)
        .where(_is_of_run, _steps.c.key == bindparam("of_key"))
        .values(cost_usd=func.coalesce(_steps.c.cost_usd + cost, cost), detail=merged)
    )


def _merged() -> tuple[Any, Any]:
    """Return what lays `more` over a step's detail, on SQLite and on Postgres."""
    return (
        func.json_patch(_steps.c.detail, bindparam("more", type_=JSON)),
        _steps.c.detail.op("||")(bindparam("more", type_=JSONB)),
    )


BEGIN_STEP = Prepared(in_each(_steps, _begin))
# What is said at the end is laid over what was said at the beginning.
_SQLITE, _POSTGRES = _merged()
END_STEP = Prepared({"sqlite": _end(_SQLITE), "postgresql": _end(_POSTGRES)})
ADD_ESTIMATE = Prepared({"sqlite": _estimate(_SQLITE), "postgresql": _estimate(_POSTGRES)})


def _or(column: Any, name: str) -> Any:
    return or_(column, bindparam(name, type_=Boolean))


ADD_USE = Prepared(
    update(_runs)
    .where(_runs.c.id == bindparam("of_run"))
    .values(
        cost_usd=_runs.c.cost_usd + bindparam("cost", type_=Usd),
        tokens_in=_runs.c.tokens_in + bindparam("into", type_=BigInteger),
        tokens_out=_runs.c.tokens_out + bindparam("out", type_=BigInteger),
        model_calls=_runs.c.model_calls + bindparam("models", type_=Integer),
        tool_calls=_runs.c.tool_calls + bindparam("tools", type_=Integer),
        is_price_unknown=_or(_runs.c.is_price_unknown, "unpriced"),
        is_truncated=_or(_runs.c.is_truncated, "truncated"),
        is_scripted=_or(_runs.c.is_scripted, "scripted"),
    )
)
ADD_EVENT = Prepared(insert(cast("Table", RunEvent.__table__)).inline())
HOLD_RUN = Prepared(select(_runs.c.id).where(_runs.c.id == bindparam("of_run")).with_for_update(key_share=True))
