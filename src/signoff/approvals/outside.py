"""What is told outside of a request: that it was made, and how it ended. Never its words or its arguments."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from signoff.record import happenings
from signoff.tables.approvals import Approval

_EVENTS: Mapping[str, happenings.Event] = {
    "pending": "approval.requested", "approved": "approval.approved", "denied": "approval.denied",
    "answered": "approval.answered", "expired": "approval.expired", "withdrawn": "approval.withdrawn",
}  # fmt: skip


def tell_event(session: Session, row: Approval) -> None:
    """Have the state of a request told of, where somebody listens."""
    happenings.tell(
        session, row.workspace_id, _EVENTS[row.state], about=row.id, agent_id=row.agent_id,
        environment_id=row.environment_id,
        facts={"state": row.state, "kind": row.kind, "gate": row.gate, "run": row.run_id, "revision": row.revision_id},
    )  # fmt: skip
