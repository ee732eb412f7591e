"""Requests nobody needs to answer any more."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.approvals.actions.moves import move
from signoff.kit import clock
from signoff.kit.text import shortened, storable
from signoff.record import audit
from signoff.record.actor import SYSTEM
from signoff.runs.called_off import called_off
from signoff.tables.approvals import Approval
from signoff.tables.runs import Run

_REASON_CHARS = 500


def withdraw_for_run(session: Session, run_id: str, *, reason: str) -> int:
    """Withdraw what a run that is over still asks. Returns how many."""
    found = session.scalars(select(Approval).where(Approval.run_id == run_id, Approval.state == "pending")).all()
    return sum(withdraw(session, row, reason=reason) for row in found)


def withdraw(session: Session, row: Approval, *, reason: str) -> bool:
    """Withdraw one request. False when it was answered before. The caller holds its run.

    When somebody called the run off, it is they who withdrew the request, for the reason they gave.
    """
    found = called_off(session, session.get_one(Run, row.run_id))
    words = shortened(storable(found.words if found else reason), _REASON_CHARS)
    by, name = (found.by, found.by_name) if found else (None, "Signoff")
    if not move(session, row, "withdrawn", moment=clock.now(), decided_by=by, decided_by_name=name, reason=words):
        return False
    audit.write(
        session, workspace_id=row.workspace_id, actor=SYSTEM, action="approval.withdrawn", object_kind="approval",
        object_id=row.id, run_id=row.run_id, revision_id=row.revision_id, detail={"gate": row.gate, "reason": words},
    )  # fmt: skip
    return True
