"""A person says what became of an act nobody knows the outcome of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.faultpoints import faultpoint
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal
from signoff.record import audit, trace
from signoff.runs.actions.cancel import run_for
from signoff.runs.actions.legs import resume_run
from signoff.runs.actions.moves import rows, tell_state
from signoff.runs.holds import HOLD_KINDS, Hold, first_kind, holds_of, keep_answer, still_open
from signoff.runs.input import size_of
from signoff.runs.states import SETTLEMENTS, Settlement, WaitingFor
from signoff.runs.waits import waiting_words
from signoff.tables.runs import Effect, Leg, Run

_RESULT_CHARS = 20_000
# A run that only waits for its time is brought on by that, and by no answer.
_ANSWERED = frozenset(kind for kind in HOLD_KINDS if Hold("", kind).is_asked)


def settle_effect(
    session: Session, principal: Principal, key: str, *, outcome: Settlement, reason: str, result: Any = None
) -> bool:
    """Settle one act. When it was the last its run waited for, the run goes on. Returns whether it does.

    `happened`: the agent is told it was done, with `result`. `did_not_happen`: the agent is told it was not.
    `did_not_happen_retry`: it is done now.

    Raises:
        NotFound: there is no such act in this workspace.
        NotNow: its outcome is known, or was settled before.
        Malformed: no reason is given, or the result is too long.
    """
    effect = session.scalar(select(Effect).where(Effect.key == key, Effect.workspace_id == principal.workspace_id))
    if effect is None:
        raise NotFound("There is no such act in this workspace.")
    run = run_for(session, principal, effect.run_id, "effect.settle")
    _check(outcome, reason, result)
    trace.take_turn(session, run.id)  # Before the audit, as everything else that changes a run.
    # The leg may have ended while we waited for the turn; whether the run goes on is decided by how it is now.
    session.refresh(run)
    settled = session.execute(
        update(Effect)
        .where(Effect.key == key, Effect.state == "unknown")
        .values(
            state="settled", settlement=outcome, result=result, reason=shortened(storable(reason), 2_000),
            settled_by=principal.id, settled_by_name=principal.name, ended_at=clock.now(),
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if rows(settled) != 1:
        raise NotNow("The outcome of this act is known already. Reload to see what was said.", code="settled_already")
    audit.write(
        session, workspace_id=run.workspace_id, actor=principal.actor, action="effect.settle", object_kind="effect",
        object_id=shortened(key, 64), run_id=run.id, revision_id=run.revision_id,
        detail={"run": run.id, "outcome": outcome, "tool": effect.tool},
    )  # fmt: skip
    faultpoint("hold-settled-not-resumed")
    return resume_when_answered(session, run)


def _check(outcome: str, reason: str, result: Any) -> None:
    if outcome not in SETTLEMENTS:
        words = f"must be one of {', '.join(SETTLEMENTS)}"
        raise Malformed(f"The outcome {words}.", errors={"outcome": [words]})
    if not reason.strip():
        raise Malformed("Say how you know: the audit keeps the reason.", errors={"reason": ["is missing"]})
    if result is not None and size_of(result) > _RESULT_CHARS:
        words = f"must not be longer than {_RESULT_CHARS:,} characters"
        raise Malformed(f"The result {words}.", errors={"result": [words]})


def answer_hold(session: Session, run: Run, *, leg: int, call_id: str, answer: Mapping[str, Any]) -> bool:
    """Keep the answer to one hold of a leg; when it was the last, the run goes on. Returns whether it does.

    The leg may still be ending: then it finds the answer, and the run goes on at once.
    """
    keep_answer(session, workspace_id=run.workspace_id, run_id=run.id, leg=leg, call_id=call_id, answer=answer)
    return run.leg == leg and resume_when_answered(session, run)


def resume_when_answered(session: Session, run: Run) -> bool:
    """Let a run go on when everything that it waits for people for is answered, or was known after all."""
    if run.state != "waiting" or run.waiting_for not in _ANSWERED:
        return False
    # Of two who answer the last two holds at once, one waits here and then sees the other's answer.
    session.execute(
        update(Run).where(Run.id == run.id).values(leg=Run.leg).execution_options(synchronize_session=False)
    )
    leg = session.get(Leg, (run.id, run.leg), populate_existing=True)
    holds = holds_of(leg.holds if leg else [])
    if left := still_open(session, run.id, run.leg, holds):
        _say_what_is_left(session, run, left)
        return False
    return resume_run(session, run.id, leg=run.leg, waiting_for=cast("WaitingFor", run.waiting_for))


def _say_what_is_left(session: Session, run: Run, left: Sequence[Hold]) -> None:
    """Say how many calls it still waits for, once one of several was answered."""
    kind = first_kind(left)
    code, words = waiting_words(kind, sum(1 for hold in left if hold.kind == kind))
    if (kind != run.waiting_for and kind != "sub_agent") or words == run.reason:
        return
    values: dict[str, Any] = {"reason": words}
    if kind == "sub_agent":
        # What people were asked is answered: it asks nobody any more.
        values |= {"waiting_for": kind, "code": code, "needs_attention": False}
    session.execute(
        update(Run)
        .where(Run.id == run.id, Run.state == "waiting")
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    session.refresh(run)
    tell_state(session, run)
