"""The trace: what each step of a run did, and the numbered events a watcher of the run follows.

A step is found by its key. When it runs again after a crash, its row is taken up again and not doubled, and what the
earlier attempt cost stays counted, because it was spent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.text import shortened, storable
from signoff.record import statements
from signoff.record.wakes import wake_after_commit
from signoff.tables.prepared import connection_of
from signoff.tables.runs import Run, Step

StepKind = Literal["model", "tool", "engine"]
StepState = Literal["running", "completed", "failed", "refused", "waiting", "simulated", "cached", "stopped"]
EventKind = Literal["run", "step", "text", "done", "error"]

_NAME_CHARS = 200
_TURNS = "signoff.turns"
_REASON_CHARS = 4_000
# In a step's detail: the attempts at it whose use is in the totals of the run.
_COUNTED = "counted"
# In a step's detail: its cost is what was reserved for it, because its answer did not come.
ESTIMATED = "is_cost_estimated"


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
    row = statements.BEGIN_STEP.one(
        session,
        {
            "of_run": run_id, "id": ids.new_id("stp"), "workspace_id": workspace_id, "run_id": run_id, "leg": leg,
            "key": key, "kind": kind, "name": shortened(storable(name), _NAME_CHARS), "state": "running",
            "attempts": 1, "effect": effect, "model": model, "verdicts": [], "request": request, "response": None,
            "detail": dict(detail or {}), "messages_before": messages_before, "started_at": clock.now(),
        },
    )  # fmt: skip
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
    tries: int = 1,
    is_price_unknown: bool = False,
    is_truncated: bool = False,
    is_scripted: bool = False,
    detail: Mapping[str, Any] | None = None,
    attempt: str = "",
) -> bool:
    """Write how a step ended, and add what it used to its run. False when another attempt at it ended first.

    Then that one is the record and stays; what this one used is still counted to the run, because it was used. But
    once: `attempt` names the attempt, and its end may be told again, when the database took it without saying so.

    `calls` is how often the outside was asked: 0 when a policy answered or refused instead. `tries` is how often this
    went through the gateway's retries: with the times it was begun anew, the step's attempts. `is_price_unknown`,
    `is_truncated` and `is_scripted` are said of the run too, and never taken back.
    """
    more = {**(detail or {}), **({_COUNTED: [attempt]} if attempt else {})}
    ended = statements.END_STEP.first(
        session,
        {
            "of_run": run_id, "of_key": key, "to_state": state, "with_code": code,
            "with_reason": shortened(storable(reason), _REASON_CHARS) if reason else None,
            "with_response": response, "with_verdicts": [dict(verdict) for verdict in verdicts],
            "moment": clock.now(), "more": more, "by_model": model, "cost": cost_usd,
            "into": tokens_in, "out": tokens_out, "repeats": max(tries - 1, 0),
        },
    )  # fmt: skip
    kind = ended.kind if ended is not None else _beside(session, run_id, key, attempt)
    if kind is None:
        return False
    _add_use(
        session, run_id, cost=cost_usd or Decimal(0), into=tokens_in or 0, out=tokens_out or 0,
        models=calls if kind == "model" else 0, tools=calls if kind == "tool" else 0, unpriced=is_price_unknown,
        truncated=is_truncated, scripted=is_scripted,
    )  # fmt: skip
    if ended is None:
        return False
    _tell_step(session, ended.workspace_id, run_id, ended.id, ended.seq, ended.kind, ended.name, state)
    return True


def book_estimate(session: Session, run_id: str, key: str, cost: Decimal, *, calls: int = 0) -> None:
    """Count what a model call that was cut off may cost, to its step and to its run; the step says it is an estimate.

    `calls`: how often the model was asked, where nobody else will count it.
    """
    more = {ESTIMATED: True}
    statements.ADD_ESTIMATE.run(session, {"of_run": run_id, "of_key": key, "cost": cost, "more": more})
    _add_use(session, run_id, cost=cost, models=calls)


def is_estimated(session: Session, run_id: str, key: str) -> bool:
    """Return whether an estimate was booked as the cost of a step."""
    detail = session.scalar(select(Step.detail).where(Step.run_id == run_id, Step.key == key))
    return bool(detail and detail.get(ESTIMATED))


def _add_use(session: Session, run_id: str, **used: Any) -> None:
    nothing = {
        "cost": Decimal(0), "into": 0, "out": 0, "models": 0, "tools": 0, "unpriced": False, "truncated": False,
        "scripted": False,
    }  # fmt: skip
    statements.ADD_USE.run(session, {**nothing, **used, "of_run": run_id})


def _beside(session: Session, run_id: str, key: str, attempt: str) -> str | None:
    """Return the kind of a step that has ended, noting that this attempt is counted; None when it was before."""
    take_turn(session, run_id)
    step = session.scalar(
        select(Step).where(Step.run_id == run_id, Step.key == key).execution_options(populate_existing=True)
    )
    counted = list(step.detail.get(_COUNTED, ())) if step is not None else []
    if step is None or attempt in counted:
        return None
    if attempt:
        step.detail = {**step.detail, _COUNTED: [*counted, attempt]}
        session.flush()
    return step.kind


def settle_step(
    session: Session,
    *,
    run_id: str,
    key: str,
    state: StepState,
    code: str | None = None,
    reason: str | None = None,
    response: Any = None,
    detail: Mapping[str, Any] | None = None,
) -> bool:
    """Write what came of a step that waited, when it is not made again. False when it does not wait."""
    take_turn(session, run_id)
    row = session.scalar(select(Step).where(Step.run_id == run_id, Step.key == key, Step.state == "waiting"))
    if row is None:
        return False
    row.state, row.code, row.response, row.ended_at = state, code, response, clock.now()
    row.reason = shortened(storable(reason), _REASON_CHARS) if reason else None
    row.detail = {**row.detail, **(detail or {})}
    session.flush()
    _tell_step(session, row.workspace_id, run_id, row.id, row.seq, row.kind, row.name, state)
    return True


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
    if connection_of(session).dialect.name == "postgresql" and run_id not in _turns(session):
        statements.HOLD_RUN.first(session, {"of_run": run_id})
        note_turn(session, run_id)


def note_turn(session: Session, run_id: str) -> None:
    """Remember that this transaction holds the run's row; asking for it again would cost a round trip."""
    # A savepoint gives back what was taken since it was set.
    if not session.in_nested_transaction():
        _turns(session).add(run_id)


def _turns(session: Session) -> set[str]:
    """Return the runs whose rows the transaction under way holds."""
    connection = connection_of(session)
    kept = session.info.get(_TURNS)
    if kept is None or kept[0] is not connection:
        kept = session.info[_TURNS] = (connection, set[str]())
    return kept[1]


def _add_event(session: Session, workspace_id: str, run_id: str, kind: EventKind, data: Mapping[str, Any]) -> None:
    event = {"workspace_id": workspace_id, "run_id": run_id, "kind": kind, "data": dict(data), "at": clock.now()}
    statements.ADD_EVENT.run(session, event)
    wake_after_commit(session, run_id)


def _tell_step(
    session: Session, workspace_id: str, run_id: str, step_id: str, seq: int, kind: str, name: str, state: str
) -> None:
    data = {"id": step_id, "seq": seq, "kind": kind, "name": name, "state": state}
    # The caller holds the run's row: it has taken its turn, or has just changed the row.
    _add_event(session, workspace_id, run_id, "step", data)
