"""The money of an evaluation: one pot for all its runs, and for those that work for them."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from signoff.budgets.states import Pot, evaluation_pot
from signoff.tables.evaluations import Evaluation
from signoff.tables.prepared import Prepared

# How a run says that this pot was empty.
SPENT = "evaluation_budget_exceeded"
_evaluations = cast("Table", Evaluation.__table__).c
_CAP = Prepared(select(_evaluations.cap_usd).where(_evaluations.id == bindparam("of_evaluation")))


def pot_of_evaluation(session: Session, evaluation_id: str | None) -> Pot:
    """Return the pot of an evaluation; nothing is in that of one that is gone."""
    cap = _CAP.scalar(session, {"of_evaluation": evaluation_id}) if evaluation_id else None
    return evaluation_pot(evaluation_id or "", cap if cap is not None else Decimal(0))
