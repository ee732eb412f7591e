"""Two transactions at once: how a test knows that one of them waits for the other."""

from __future__ import annotations

from sqlalchemy import text

from signoff.tables.session import Store

_WAITS = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")


def until_somebody_waits(store: Store) -> None:
    """Return once a transaction waits for a lock of another. On SQLite at once: there it waits for whoever writes."""
    if store.is_sqlite:
        return
    with store.read() as session:
        while not session.scalar(_WAITS):
            session.rollback()
