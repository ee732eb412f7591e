"""Long chains of the audit, made in bulk: row for row what `audit.write` makes, some hundred times as fast."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.record import audit
from signoff.tables.record import AuditHead, AuditRow

AUDIT = cast("Table", AuditRow.__table__)
COLUMNS = tuple(AUDIT.c.keys())


def begin_chain(session: Session, workspace_id: str, rows: int) -> None:
    """Add the first `rows` rows of a workspace that has none, and its head."""
    first, previous = clock.now() - timedelta(days=30), audit.GENESIS
    for start in range(1, rows + 1, 5_000):
        made: list[dict[str, Any]] = []
        for number in range(start, min(start + 5_000, rows + 1)):
            row = AuditRow(
                id=ids.new_id("aud"), workspace_id=workspace_id, seq=number, at=first + timedelta(seconds=number),
                actor_kind="member", actor_id=f"mem_{number % 7}", actor_name="Ann", action="thing.done",
                object_kind="thing", object_id=f"thing_{number}", run_id=None, revision_id=None,
                detail={"n": number, "fields": ["name", "description"], "reason": "because"},
                previous_hash=previous, hash="",
            )  # fmt: skip
            row.hash = previous = audit.row_hash(row)
            made.append({name: getattr(row, name) for name in COLUMNS})
        session.execute(insert(AUDIT), made)
    session.add(AuditHead(workspace_id=workspace_id, seq=rows, hash=previous))
    session.flush()
