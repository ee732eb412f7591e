"""The end of a pair: the shadow has run, and is compared with the run whose input it had."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.dotted import value_at
from signoff.kit.faultpoints import faultpoint
from signoff.releases.shadow.comparing import Outcome, compare
from signoff.releases.shadow.notes import note_spent
from signoff.releases.shadow.pots import SPENT
from signoff.runs.states import is_over
from signoff.tables.releases import Release, ShadowPair
from signoff.tables.runs import Run, Step

_CALLS_MAX = 1_000
# How a shadow ends that says nothing about its revision: somebody or something ended it from outside.
_SAYS_NOTHING = frozenset((
    SPENT, "agent_disabled", "workspace_suspended", "engine_fault", "engine_record_lost", "gateway_failed",
))  # fmt: skip


def end_pair(session: Session, shadow_run_id: str) -> bool:
    """Compare a shadow that is over with its original, once. False when there is nothing to compare, or it was done."""
    pair = session.scalar(
        select(ShadowPair).where(ShadowPair.shadow_run_id == shadow_run_id, ShadowPair.state == "running")
    )
    shadow = session.get(Run, shadow_run_id)
    if pair is None or shadow is None or not is_over(shadow.state):
        return False
    release = session.get_one(Release, pair.release_id)
    if shadow.state in ("cancelled", "rejected") or shadow.code in _SAYS_NOTHING:
        values: dict[str, Any] = {"state": "skipped", "reason": shadow.reason or f"The shadow is {shadow.state}."}
        if shadow.code == SPENT:
            note_spent(session, release, f"{shadow.reason} Until then nothing is tried.")
    else:
        found = compare(_outcome(session, session.get_one(Run, pair.run_id)), _outcome(session, shadow))
        values = {"state": "compared", "is_equal": found.is_equal, "differences": found.differences}
    ended = session.execute(
        update(ShadowPair)
        .where(
            ShadowPair.release_id == pair.release_id, ShadowPair.run_id == pair.run_id, ShadowPair.state == "running"
        )
        .values(**values, cost_usd=shadow.cost_usd, compared_at=clock.now())
        .returning(ShadowPair.run_id)
        .execution_options(synchronize_session=False)
    ).all()
    faultpoint("shadow-comparing")
    return len(ended) == 1


def _outcome(session: Session, run: Run) -> Outcome:
    # What a policy refused was not done, and would not be; what a person refused was wanted.
    steps = session.execute(
        select(Step.name, Step.request)
        .where(Step.run_id == run.id, Step.kind == "tool", Step.state != "refused")
        .order_by(Step.seq)
        .limit(_CALLS_MAX)
    )
    calls = [(step.name, value_at(step.request, "args")) for step in steps]
    return Outcome(run.state, run.output, calls, run.code, run.reason)
