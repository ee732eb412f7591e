"""The money of what acts on nothing: a pot of its release's shadow, or of its evaluation, and no other."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.budgets.states import Pot
from signoff.evaluations.pots import pot_of_evaluation
from signoff.releases.shadow.pots import pot_of_shadow
from signoff.runs.facts import RunContext


def pot_of_rehearsal(session: Session, run: RunContext) -> Pot | None:
    """Return the pot of a rehearsal; None for any other run."""
    if run.mode == "shadow":
        return pot_of_shadow(session, run.release_id)
    if run.mode == "evaluation":
        return pot_of_evaluation(session, run.evaluation_id)
    return None
