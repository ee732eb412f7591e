"""The trace: what each step of a run did, and the numbered events a watcher of the run follows.

A step is found by its key. When it runs again after a crash, its row is taken up again and not doubled, and what the
earlier attempt cost stays counted, because it was spent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, cast

from sqlalchemy import JSON, Table, bindparam, func, select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.text import shortened, storable
from signoff.tables.runs import Run, RunEvent, Step

StepKind = Literal["model", "tool", "engine"]
StepState = Literal["running", "completed", "failed", "refused", "waiting", "simulated", "cached", "stopped"]
EventKind = Literal["run", "step", "text", "done", "error"]

# Without the object mapper, which reads each new id back: nobody here needs it.
_ADD_EVENT = cast("Table", RunEvent.__table__).insert()
_HOLD_RUN = select(Run.id).where(Run.id == bindparam("of_run")).with_for_update(key_share=True)
_NAME_CHARS = 200
_REASON_CHARS = 4_000


def begin_step(
    session: Session,
    *,
    workspace_id: str,
    run_id: str,
    leg: int,
    key: str,
    kind: StepKind,
    name: str,
    request: Any = None,
    effect: str | None = None,
    model: str | None = None,
    messages_before: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> str:
    """Write that a step begins, or begins again. Returns its id."""
    take_turn(session, run_id)
    # One statement: a step that runs again after a crash takes up its row, and of two at once neither is lost.
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    last = select(func.coalesce(func.max(Step.seq), 0) + 1).where(Step.run_id == run_id).scalar_subquery()
    values: dict[str, Any] = {
        "id": ids.new_id("stp"), "workspace_id": workspace_id, "run_id": run_id, "leg": leg, "seq": last, "key": key,
        "kind": kind, "name": shortened(storable(name), _NAME_CHARS), "state": "running", "attempts": 1,
        "effect": effect, "model": model, "verdicts": [], "request": request, "response": None,
        "detail": dict(detail or {}), "messages_before": messages_before, "started_at": clock.now(),
    }  # fmt: skip
    again = {
        "leg": leg, "state": "running", "attempts": Step.attempts + 1, "request": request, "code": None,
        "reason": None, "ended_at": None,
    }  # fmt: skip
    begun = (
        (sqlite.insert if is_sqlite else postgresql.insert)(Step)
        .values(values)
        .on_conflict_do_update(index_elements=["run_id", "key"], set_=again)
        .returning(Step.id, Step.seq, Step.name)
    )
    row = session.execute(begun).one()
    _tell_step(session, workspace_id, run_id, row.id, row.seq, kind, row.name, "running")
    return row.id


def end_step(
    session: Session,
    *,
    run_id: str,
    key: str,
    state: StepState,
    code: str | None = None,
    reason: str | None = None,
    response: Any = None,
    verdicts: Sequence[Mapping[str, Any]] = (),
    model: str | None = None,
    cost_usd: Decimal | None = None,
    tokens_in: int | None = None,
    tokens_out: int | None = None,
    calls: int = 1,
    is_price_unknown: bool = False,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write how a step ended, and add what it used to its run.

    `calls` is how often the outside was asked: 0 when a policy answered or refused instead.
    """
    changes: dict[Any, Any] = {
        Step.state: state,
        Step.code: code,
        Step.reason: shortened(storable(reason), _REASON_CHARS) if reason else None,
        Step.response: response,
        Step.verdicts: [dict(verdict) for verdict in verdicts],
        Step.ended_at: clock.now(),
        Step.detail: _merged(session, detail or {}),
    }
    if model is not None:
        changes[Step.model] = model
    for column, used in ((Step.cost_usd, cost_usd), (Step.tokens_in, tokens_in), (Step.tokens_out, tokens_out)):
        if used is not None:
            changes[column] = func.coalesce(column, 0) + used
    ended = session.execute(
        update(Step)
        .where(Step.run_id == run_id, Step.key == key)
        .values(changes)
        .returning(Step.id, Step.seq, Step.kind, Step.name, Step.workspace_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if ended is None:
        return
    values: dict[Any, Any] = {
        Run.cost_usd: Run.cost_usd + (cost_usd or Decimal(0)),
        Run.tokens_in: Run.tokens_in + (tokens_in or 0),
        Run.tokens_out: Run.tokens_out + (tokens_out or 0),
    }
    counter = Run.model_calls if ended.kind == "model" else Run.tool_calls if ended.kind == "tool" else None
    if counter is not None:
        values[counter] = counter + calls
    if is_price_unknown:
        values[Run.is_price_unknown] = True
    session.execute(update(Run).where(Run.id == run_id).values(values).execution_options(synchronize_session=False))
    _tell_step(session, ended.workspace_id, run_id, ended.id, ended.seq, ended.kind, ended.name, state)


def _merged(session: Session, detail: Mapping[str, Any]) -> Any:
    """Return what a step's detail becomes when `detail` is laid over it."""
    if session.get_bind().dialect.name == "sqlite":
        return func.json_patch(Step.detail, type_coerce(dict(detail), JSON))
    return Step.detail.op("||")(type_coerce(dict(detail), JSONB))


def emit(
    session: Session, run_id: str, kind: EventKind, data: Mapping[str, Any], *, workspace_id: str | None = None
) -> None:
    """Tell the watchers of a run something. It reaches them once the transaction is durable.

    Events of a run become visible in the order of their numbers, so that a watcher who has seen number n has missed
    nothing below it.
    """
    workspace_id = workspace_id or session.scalar(select(Run.workspace_id).where(Run.id == run_id))
    if workspace_id is None:
        return
    take_turn(session, run_id)
    _add_event(session, workspace_id, run_id, kind, data)


def take_turn(session: Session, run_id: str) -> None:
    """Hold the run's row until the transaction ends, so that numbers are given in the order of the commits.

    Postgres gives out a number when a row is written, not when it becomes visible; SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_HOLD_RUN, {"of_run": run_id})


def _add_event(session: Session, workspace_id: str, run_id: str, kind: EventKind, data: Mapping[str, Any]) -> None:
    event = {"workspace_id": workspace_id, "run_id": run_id, "kind": kind, "data": dict(data), "at": clock.now()}
    session.execute(_ADD_EVENT, [event])


def _tell_step(
    session: Session, workspace_id: str, run_id: str, step_id: str, seq: int, kind: str, name: str, state: str
) -> None:
    data = {"id": step_id, "seq": seq, "kind": kind, "name": name, "state": state}
    # The caller holds the run's row: it has taken its turn, or has just changed the row.
    _add_event(session, workspace_id, run_id, "step", data)
