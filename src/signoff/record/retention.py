"""Letting go of audit rows whose time is over, so that what stays still proves itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.record import audit
from signoff.record.actor import SYSTEM
from signoff.tables.record import AuditCheckpoint, AuditRow

AT_ONCE = 10_000


def prune_audit(session: Session, workspace_id: str, *, before: datetime) -> int:
    """Let go of at most 10,000 of a workspace's oldest rows, all of them older than `before`; return how many.

    A checkpoint keeps number and hash of the last one, and a row of the chain says so: whoever changes the one must
    change the other. The database itself refuses to let a row go that is younger than half a year.
    """
    start = audit.start_of(session, workspace_id)
    of_workspace = AuditRow.workspace_id == workspace_id
    kept = session.scalar(select(func.min(AuditRow.seq)).where(of_workspace, AuditRow.at >= before))
    newest = session.scalar(select(func.max(AuditRow.seq)).where(of_workspace)) or 0
    # The newest row stays in any case: the chain goes on from it.
    last_seq = min((kept or newest) - 1, start.seq + AT_ONCE)
    if last_seq <= start.seq:
        return 0
    last = session.scalars(select(AuditRow).where(of_workspace, AuditRow.seq == last_seq)).one()
    audit.write(
        session,
        workspace_id=workspace_id,
        actor=SYSTEM,
        action=audit.PRUNED,
        object_kind="workspace",
        object_id=workspace_id,
        detail={"seq": last.seq, "hash": last.hash, "rows": last.seq - start.seq, "before": before.isoformat()},
    )
    session.add(
        AuditCheckpoint(
            workspace_id=workspace_id, seq=last.seq, hash=last.hash, last_at=last.at, created_at=clock.now()
        )
    )
    session.flush()
    session.execute(
        delete(AuditRow).where(of_workspace, AuditRow.seq <= last.seq).execution_options(synchronize_session=False)
    )
    return last.seq - start.seq


def workspaces_with_audit_before(session: Session, moment: datetime) -> list[str]:
    """Return the workspaces that have audit rows older than `moment`, at most a thousand."""
    found = select(AuditRow.workspace_id).where(AuditRow.at < moment).group_by(AuditRow.workspace_id).limit(1_000)
    return list(session.scalars(found))
