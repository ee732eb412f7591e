"""`python -m benchmarks.probes.audit_chain [ROWS]`: verify a long chain on both databases, and name a changed row.

Run by hand: a million rows take some minutes to make. Prints the seconds, the rows a second and how much memory the
process had at most more than before.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from benchmarks.databases import fresh, postgres
from benchmarks.probes.memory import resident
from signoff.kit import clock
from signoff.record import audit
from signoff.tables.migrate import migrate
from signoff.tables.people import Workspace
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.record.kit_chain import begin_chain


def main(rows: int) -> None:
    """Measure on SQLite, and on Postgres where the machine has one."""
    with tempfile.TemporaryDirectory(prefix="signoff-bench-") as folder:
        _measure("SQLite", f"sqlite:///{Path(folder) / 'signoff.sqlite'}", rows)
    with postgres() as cluster:
        if cluster is not None:
            _measure("Postgres", fresh(cluster), rows)


def _measure(name: str, url: str, rows: int) -> None:
    migrate(url)
    store = Store.open(url)
    with store.write() as session:
        session.add(Workspace(id="ws_1", slug="a", name="A", created_at=clock.now()))
        session.flush()
        begin_chain(session, "ws_1", rows)
    print(f"{name}: {rows:,} rows made", flush=True)
    _verify(name, store, audit.Verdict(rows))
    place = rows - 1
    with store.write() as session:
        _take_away_the_lock(store, session)
        session.execute(update(AuditRow).where(AuditRow.seq == place).values(actor_name="Nobody"))
    _verify(name, store, audit.Verdict(place - 1, place, "its content was changed"))
    store.close()


def _verify(name: str, store: Store, expected: audit.Verdict) -> None:
    before, began, used = resident(os.getpid()), time.monotonic(), time.process_time()
    with store.read() as session:
        found = audit.verify(session, "ws_1")
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    if found != expected:
        raise SystemExit(f"{name}: expected {expected}, found {found}")
    # The most the process ever had: making the chain included, which is why `before` stands beside it.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(
        f"{name}: {seconds:.1f} s ({cpu:.1f} s CPU), {found.rows / seconds:,.0f} rows/s; "
        f"memory before {before:.0f} MB, after {resident(os.getpid()):.0f} MB, the most ever {most:.0f} MB; "
        f"first broken: {found.first_broken_seq}",
        flush=True,
    )


def _take_away_the_lock(store: Store, session: Session) -> None:
    if not store.is_sqlite:
        session.execute(text("alter table audit disable trigger user"))
        return
    for name in session.scalars(text("select name from sqlite_master where type='trigger'")).all():
        session.execute(text(f'drop trigger "{name}"'))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
