"""The trace: what each step of a run did, and the numbered events a watcher of the run follows.

A step is found by its key. When it runs again after a crash, its row is taken up again and not doubled, and what the
earlier attempt cost stays counted, because it was spent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.text import shortened, storable
from signoff.record.wakes import wake_after_commit
from signoff.tables.runs import Run, RunEvent, Step

StepKind = Literal["model", "tool", "engine"]
StepState = Literal["running", "completed", "failed", "refused", "waiting", "simulated", "cached", "stopped"]
EventKind = Literal["run", "step", "text", "done", "error"]

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
    step = session.scalar(select(Step).where(Step.run_id == run_id, Step.key == key))
    if step is None:
        last = session.scalar(select(func.max(Step.seq)).where(Step.run_id == run_id))
        step = Step(
            id=ids.new_id("stp"), workspace_id=workspace_id, run_id=run_id, leg=leg, seq=(last or 0) + 1, key=key,
            kind=kind, name=shortened(storable(name), _NAME_CHARS), state="running", attempts=1, effect=effect,
            model=model, verdicts=[], request=request, response=None, detail=dict(detail or {}),
            messages_before=messages_before, started_at=clock.now(),
        )  # fmt: skip
        session.add(step)
    else:
        step.attempts += 1
        step.state, step.ended_at, step.code, step.reason, step.leg = "running", None, None, None, leg
        step.request = request
    session.flush()
    _tell_step(session, step)
    return step.id


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
    step = session.scalar(select(Step).where(Step.run_id == run_id, Step.key == key))
    if step is None:
        return
    step.state, step.code, step.response, step.ended_at = state, code, response, clock.now()
    step.reason = shortened(storable(reason), _REASON_CHARS) if reason else None
    step.verdicts = [dict(verdict) for verdict in verdicts]
    step.model = model or step.model
    step.detail = {**step.detail, **dict(detail or {})}
    step.cost_usd = _sum(step.cost_usd, cost_usd)
    step.tokens_in = _sum(step.tokens_in, tokens_in)
    step.tokens_out = _sum(step.tokens_out, tokens_out)
    session.flush()
    values: dict[Any, Any] = {
        Run.cost_usd: Run.cost_usd + (cost_usd or Decimal(0)),
        Run.tokens_in: Run.tokens_in + (tokens_in or 0),
        Run.tokens_out: Run.tokens_out + (tokens_out or 0),
    }
    counter = Run.model_calls if step.kind == "model" else Run.tool_calls if step.kind == "tool" else None
    if counter is not None:
        values[counter] = counter + calls
    if is_price_unknown:
        values[Run.is_price_unknown] = True
    session.execute(update(Run).where(Run.id == run_id).values(values).execution_options(synchronize_session=False))
    _tell_step(session, step)


def emit(
    session: Session, run_id: str, kind: EventKind, data: Mapping[str, Any], *, workspace_id: str | None = None
) -> None:
    """Tell the watchers of a run something. It reaches them once the transaction is durable."""
    workspace_id = workspace_id or session.scalar(select(Run.workspace_id).where(Run.id == run_id))
    if workspace_id is None:
        return
    session.add(RunEvent(workspace_id=workspace_id, run_id=run_id, kind=kind, data=dict(data), at=clock.now()))
    session.flush()
    wake_after_commit(session, run_id)


def _tell_step(session: Session, step: Step) -> None:
    data = {"id": step.id, "seq": step.seq, "kind": step.kind, "name": step.name, "state": step.state}
    emit(session, step.run_id, "step", data, workspace_id=step.workspace_id)


def _sum(before: Any, now: Any) -> Any:
    if before is None or now is None:
        return now if before is None else before
    return before + now
