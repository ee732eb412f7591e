"""What has happened in the ERP, counted: for the demo's summary and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signoff.demo.erp.database import connect


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One line of the log of effects."""

    seq: int
    at: str
    tool: str
    outcome: str
    subject: str
    idempotency_key: str | None


def effects(path: Path) -> list[EffectRow]:
    """Return the whole log, oldest first."""
    with connect(path) as connection:
        rows = connection.execute("SELECT * FROM effects ORDER BY seq").fetchall()
    return [EffectRow(*row) for row in rows]


def totals(path: Path) -> dict[str, int]:
    """Return how many calls had each outcome: posted, already_posted, flagged, already_flagged, replayed."""
    with connect(path) as connection:
        return dict(connection.execute("SELECT outcome, count(*) FROM effects GROUP BY outcome").fetchall())


def doubles(path: Path) -> list[str]:
    """Return invoices that were booked more than once. The table's constraint should keep this empty for ever."""
    with connect(path) as connection:
        rows = connection.execute(
            "SELECT vendor_id || ' ' || invoice_number FROM bills GROUP BY vendor_id, invoice_number "
            "HAVING count(*) > 1 UNION SELECT subject FROM effects WHERE outcome = 'posted' "
            "GROUP BY subject HAVING count(*) > 1"
        ).fetchall()
    return [text for (text,) in rows]
