"""An answer that comes when its act is no longer waited for: cut off, put to a person, or settled by one."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.gateways.tool.call import Act
from signoff.gateways.tool.results import fitted
from signoff.kit import clock
from signoff.kit.text import shortened
from signoff.record import audit, trace
from signoff.record.alarms import ask_to_resolve
from signoff.runs.actions import resume_when_answered
from signoff.runs.alarms import effect_contradicted, effect_unknown
from signoff.tables.runs import Effect, Run, Step
from signoff.watch.actions import raise_alert


def take_late(session: Session, call: Act, state: str, *, result: Any, reason: str | None) -> None:
    """Write what an answer says of an act that the ledger does not hold as this attempt's own intent any more.

    What nobody knew is known now, and a run that waited for it goes on. What a person said stands; the answer is kept
    beside it, and when it says otherwise somebody is told.
    """
    if state == "unknown":
        return
    # Before everything else, as a settlement does: of the two one sees the other.
    trace.take_turn(session, call.run.run_id)
    act = session.get(Effect, call.call.key, populate_existing=True)
    step = session.scalar(
        select(Step)
        .where(Step.run_id == call.run.run_id, Step.key == call.call.key)
        .execution_options(populate_existing=True)
    )
    if act is None or step is None or (act.state in ("done", "failed") and act.intended_at == call.log.intended_at):
        return
    # That one attempt did nothing is the whole truth only where there was no other.
    is_all = state == "done" or (step.code == "cut_off" and step.attempts == 1)
    if act.state == "unknown" and is_all:
        _take(session, call, state, result=result, reason=reason)
        return
    _keep(session, call, act, step, {"state": state, "value": _value(call, result), "reason": reason})


def _take(session: Session, call: Act, state: str, *, result: Any, reason: str | None) -> None:
    run_id, key = call.run.run_id, call.call.key
    session.execute(
        update(Effect)
        .where(Effect.key == key, Effect.state == "unknown")
        .values(state=state, result=result, reason=reason, ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    ask_to_resolve(session, call.run.workspace_id, key=effect_unknown(key, run_id=run_id, tool=call.call.name)["key"])
    resume_when_answered(session, session.get_one(Run, run_id, populate_existing=True))


def _keep(session: Session, call: Act, act: Effect, step: Step, late: dict[str, Any]) -> None:
    run = call.run
    if step.detail.get("late_answer") == late:
        return  # Told again, because the database took it without saying so.
    step.detail = {**step.detail, "late_answer": late}
    # Where the call is made once more, what was said before stands in the audit only: that it had not happened.
    said = act.settlement or ("did_not_happen_retry" if act.settled_by else None)
    audit.write(
        session, workspace_id=run.workspace_id, actor=run.actor, action="effect.answered_late", object_kind="effect",
        object_id=shortened(act.key, 64), run_id=run.run_id, revision_id=run.revision_id,
        detail={"run": run.run_id, "tool": act.tool, "answer": late["state"], "settlement": said},
    )  # fmt: skip
    session.flush()
    if said is not None and (said == "happened") != (late["state"] == "done"):
        told = effect_contradicted(
            act.key,
            run_id=run.run_id,
            tool=act.tool,
            who=act.settled_by_name or "A person",
            happened=said != "happened",
        )
        raise_alert(session, run.workspace_id, **told)


def _value(call: Act, result: Any) -> Any:
    value = cast("dict[str, Any]", result or {}).get("value")
    return fitted(value, call.services.settings.tool_result_chars_max)[0]
