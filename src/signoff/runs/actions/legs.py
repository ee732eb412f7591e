"""What the engine does to a run: begin a leg, end it, wait, go on. Fenced by leg and by worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.actions.handovers import end_handover_by_run
from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.record import outbox
from signoff.record.actor import SYSTEM, Actor
from signoff.record.alarms import ask_for_alert
from signoff.runs.actions import statements
from signoff.runs.actions.moves import move, rows, tell_state
from signoff.runs.actions.request import START
from signoff.runs.actions.shadow import ask_for_shadow
from signoff.runs.alarms import effect_unknown
from signoff.runs.facts import LegStart, RunContext, context_of
from signoff.runs.holds import Hold
from signoff.runs.states import WaitingFor
from signoff.runs.wall import seconds_left
from signoff.tables.runs import Leg, Run


def start_leg(
    session: Session,
    run_id: str,
    leg: int,
    *,
    worker: str,
    wall_seconds_max: int,
    relies_on: Callable[[RunContext], Mapping[str, Any]] = lambda _: {},
) -> LegStart | None:
    """Begin a leg: the run is running, under a deadline. None when this leg is not the one that may begin.

    Time spent waiting for people does not count towards the deadline, only the legs do: its own, and those of the runs
    that came of it. One that another run asked for has no more time than is left to that one. `relies_on` says, as
    plain JSON, what the leg will work with; a leg that begins again after a crash gets what it had.
    """
    context = context_of(session, run_id, leg=leg, worker=worker)
    moment = clock.now()
    left = seconds_left(session, context, wall_seconds_max=wall_seconds_max)
    deadline = moment + timedelta(seconds=max(left, 1.0))
    moved = move(
        session, run_id, "running", by=SYSTEM, leg=leg,
        is_audited=False, values={"started_at": moment, "deadline_at": deadline},
    )  # fmt: skip
    if moved is not None:
        relied = dict(relies_on(context))
        statements.ADD_LEG.run(
            session,
            {"run_id": run_id, "number": leg, "workspace_id": moved.workspace_id, "state": "running",
             "worker": worker, "holds": [], "relies_on": relied, "started_at": moment},
        )  # fmt: skip
        return LegStart(context, moved.input, deadline, relied)
    # After a crash the same leg begins again and finds itself begun.
    run = session.get(Run, run_id, populate_existing=True)
    if run is None or run.state != "running" or run.leg != leg or not take_leg(session, run_id, leg, worker=worker):
        return None
    begun = session.get_one(Leg, (run_id, leg))
    return LegStart(context, run.input, run.deadline_at or deadline, begun.relies_on or relies_on(context))


def take_leg(session: Session, run_id: str, leg: int, *, worker: str) -> bool:
    """Write that `worker` works on this leg now; whoever did before can no longer end it. False when it has ended."""
    taken = session.execute(
        update(Leg)
        .where(Leg.run_id == run_id, Leg.number == leg, Leg.state == "running")
        .values(worker=worker)
        .execution_options(synchronize_session=False)
    )
    return rows(taken) == 1


def end_leg(
    session: Session, run_id: str, leg: int, *, state: str, worker: str | None, holds: Sequence[Hold] = ()
) -> bool:
    """End a leg. False when it has ended already, or another worker has it (`worker` None asks for nobody)."""
    statement = statements.END_LEG if worker is None else statements.END_OWN_LEG
    ended = statement.run(
        session,
        {
            "of_run": run_id, "of_leg": leg, "to_state": state, "moment": clock.now(),
            "with_holds": [hold.as_plain() for hold in holds],
            **({} if worker is None else {"of_worker": worker}),
        },
    )  # fmt: skip
    if ended != 1:
        return False
    _close_what_was_cut_off(session, run_id)
    return True


def _close_what_was_cut_off(session: Session, run_id: str) -> None:
    """No call of the run is under way any more: what still looks so was cut off, and a person must look for its act."""
    values = {"of_run": run_id, "words": "The call was cut off before its answer came.", "moment": clock.now()}
    statements.CUT_OFF_STEPS.run(session, values)
    acts = statements.CUT_OFF_EFFECTS.all(session, values)
    agent_id = session.scalar(select(Run.agent_id).where(Run.id == run_id)) if acts else None
    for act in acts:
        told = effect_unknown(act.key, run_id=run_id, agent_id=agent_id, tool=act.tool)
        ask_for_alert(session, act.workspace_id, **told)


def complete_run(
    session: Session,
    run_id: str,
    leg: int,
    *,
    by: Actor,
    output: Any,
    code: str | None = None,
    reason: str | None = None,
) -> bool:
    """The run has its answer. `code` and `reason` say what is to be known about it, if anything.

    If it is what a hand-over of its agent waited for, that ends with it; and a release on trial may try its input too.
    """
    values = {"output": output, "code": code, "reason": reason}
    ended = move(session, run_id, "completed", by=by, leg=leg, values=values)
    if ended is None:
        return False
    ask_for_shadow(session, ended)
    if ended.parent_run_id is None:  # By hand is by hand.
        end_handover_by_run(session, run_id, by=by)
    return True


def fail_run(
    session: Session, run_id: str, leg: int | None, *, by: Actor, code: str, reason: str, failed_step: str | None = None
) -> bool:
    """The run will not have an answer; `reason` says why in words a person understands."""
    values = {"code": code, "reason": reason, "failed_step": failed_step}
    return move(session, run_id, "failed", by=by, leg=leg, values=values) is not None


def reject_run(session: Session, run_id: str, *, by: Actor, code: str, reason: str) -> bool:
    """The run will not begin. False when it has begun already."""
    return move(session, run_id, "rejected", by=by, values={"code": code, "reason": reason}) is not None


def end_cancelled(
    session: Session, run_id: str, leg: int | None, *, by: Actor, code: str = "cancelled", reason: str | None = None
) -> bool:
    """The run was called off while it ran."""
    return move(session, run_id, "cancelled", by=by, leg=leg, values={"code": code, "reason": reason}) is not None


def wait_run(
    session: Session,
    run_id: str,
    leg: int,
    *,
    by: Actor,
    waiting_for: WaitingFor,
    code: str,
    reason: str,
    resume_at: datetime | None = None,
) -> bool:
    """The run waits, holding nothing, until somebody answers or `resume_at` comes."""
    values = {"waiting_for": waiting_for, "code": code, "reason": reason, "resume_at": resume_at}
    return move(session, run_id, "waiting", by=by, leg=leg, values=values) is not None


def resume_run(session: Session, run_id: str, *, leg: int, waiting_for: WaitingFor, by: Actor = SYSTEM) -> bool:
    """Let a run that waits for `waiting_for` after `leg` go on. False when somebody was first."""
    changed = session.execute(
        update(Run)
        .where(Run.id == run_id, Run.state == "waiting", Run.leg == leg, Run.waiting_for == waiting_for)
        .values(leg=leg + 1, waiting_for=None, resume_at=None, code=None, reason=None, needs_attention=False)
        .execution_options(synchronize_session=False)
    )
    if rows(changed) != 1:
        return False
    run = session.get(Run, run_id, populate_existing=True)
    if run is None:
        raise NotFound("There is no such run.")
    tell_state(session, run)
    outbox.send(session, workspace_id=run.workspace_id, kind=START, payload={"run_id": run_id, "leg": leg + 1})
    return True
