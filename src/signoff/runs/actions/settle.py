"""A person says what became of an act nobody knows the outcome of."""

from __future__ import annotations

from typing import Any

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
from signoff.runs.actions.moves import rows
from signoff.runs.input import size_of
from signoff.runs.states import SETTLEMENTS, Settlement
from signoff.tables.runs import Effect, Leg, Run

_RESULT_CHARS = 20_000


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
    return resume_when_settled(session, run)


def _check(outcome: str, reason: str, result: Any) -> None:
    if outcome not in SETTLEMENTS:
        words = f"must be one of {', '.join(SETTLEMENTS)}"
        raise Malformed(f"The outcome {words}.", errors={"outcome": [words]})
    if not reason.strip():
        raise Malformed("Say how you know: the audit keeps the reason.", errors={"reason": ["is missing"]})
    if result is not None and size_of(result) > _RESULT_CHARS:
        words = f"must not be longer than {_RESULT_CHARS:,} characters"
        raise Malformed(f"The result {words}.", errors={"result": [words]})


def resume_when_settled(session: Session, run: Run) -> bool:
    """Let a run go on when every act it waits for is settled, or was answered after all."""
    if run.state != "waiting" or run.waiting_for != "reconciliation":
        return False
    # Of two who settle the last two acts at once, one waits here and then sees the other's settlement.
    session.execute(
        update(Run).where(Run.id == run.id).values(leg=Run.leg).execution_options(synchronize_session=False)
    )
    leg = session.get(Leg, (run.id, run.leg), populate_existing=True)
    keys = [f"{run.id}:{call_id}" for call_id in (leg.holds if leg else [])]
    open_keys = session.scalars(
        select(Effect.key).where(Effect.key.in_(keys), Effect.state.in_(("intended", "unknown")))
    ).all()
    return not open_keys and resume_run(session, run.id, leg=run.leg, waiting_for="reconciliation")
