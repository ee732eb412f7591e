"""What people have said about one call: read only when the call has been through the gateway before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from signoff.approvals.binding import binding_of
from signoff.gateways.tool.call import ToolCall
from signoff.kit import clock
from signoff.runs.facts import RunContext
from signoff.tables.approvals import Approval
from signoff.tables.base import Moment
from signoff.tables.prepared import Prepared

_approvals = cast("Table", Approval.__table__)
_OF_CALL = Prepared(
    select(
        _approvals.c.id, _approvals.c.gate, _approvals.c.binding, _approvals.c.decided_by_name, _approvals.c.decided_at,
    )
    .where(
        _approvals.c.run_id == bindparam("of_run"),
        _approvals.c.call_id == bindparam("of_call"),
        _approvals.c.state == "approved",
    )
    .order_by(_approvals.c.id.desc())
)  # fmt: skip
_USE = Prepared(
    update(_approvals)
    .where(_approvals.c.id == bindparam("of_id"), _approvals.c.used_at.is_(None))
    .values(used_at=bindparam("moment", type_=Moment))
)


@dataclass(frozen=True, slots=True)
class GivenApproval:
    """An approval of this very call: this tool, these arguments, this revision, this run."""

    id: str
    gate: str
    by: str
    at: datetime

    @property
    def remark(self) -> str:
        """Return who approved and when, for the step."""
        return f"Approved by {self.by} at {self.at:%Y-%m-%d %H:%M:%S} UTC."


def binding_for(run: RunContext, call: ToolCall) -> str:
    """Return what an approval of this call is bound to."""
    return binding_of(call.name, call.args, revision_id=run.revision_id, run_id=run.run_id)


def approvals_of(session: Session, run: RunContext, call: ToolCall) -> tuple[GivenApproval, ...]:
    """Return what approves this call as it is now, the newest first. Of other arguments it is no approval.

    They are the call's own, so that one that is used is so by an attempt of this same step: whether that acted is
    for the ledger to say.
    """
    rows = _OF_CALL.all(session, {"of_run": run.run_id, "of_call": call.call_id[:200]})
    if not rows:
        return ()
    binding = binding_for(run, call)
    return tuple(
        GivenApproval(row.id, row.gate, row.decided_by_name or "", row.decided_at or clock.now())
        for row in rows
        if row.binding == binding
    )


def use_approvals(session: Session, given: tuple[GivenApproval, ...]) -> None:
    """Note, in the transaction that begins the step, that these approvals are used up."""
    for one in given:
        _USE.run(session, {"of_id": one.id, "moment": clock.now()})
