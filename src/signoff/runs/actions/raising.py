"""Letting a run cost more than its revision says."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.kit.money import as_text
from signoff.record import audit
from signoff.runs.facts import RunContext
from signoff.tables.runs import Run


def raise_cap(session: Session, run: RunContext, amount_usd: Decimal) -> None:
    """Let a run spend `amount_usd` dollars more than it might. Who gave it stands with the approval."""
    session.execute(
        update(Run)
        .where(Run.id == run.run_id)
        .values(raised_usd=Run.raised_usd + amount_usd)
        .execution_options(synchronize_session=False)
    )
    audit.write(
        session, workspace_id=run.workspace_id, actor=run.actor, action="run.cap_raised", object_kind="run",
        object_id=run.run_id, detail={"amount_usd": as_text(amount_usd)},
    )  # fmt: skip
