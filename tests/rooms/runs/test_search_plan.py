"""Words alone are looked for in the index that holds them, from the newest run on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from signoff.runs.queries import RunFilter, runs_page
from signoff.tables.session import Store
from tests.engine.kit_engine import House, house


@pytest.fixture
def at(store: Store) -> House:
    return house(store, "nothing")


def _plan_of_search(store: Store, at: House, wanted: RunFilter) -> str:
    asked: list[tuple[str, Any]] = []

    def note(*args: Any) -> None:
        asked.append((args[2], args[3]))

    event.listen(store.engine, "before_cursor_execute", note)
    with store.read() as session:
        runs_page(session, at.who, wanted)
    event.remove(store.engine, "before_cursor_execute", note)
    statement, parameters = next(one for one in asked if "search_text" in one[0] and "keyset_key" in one[0])
    words = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN"
    with store.write() as session:
        connection = session.connection()
        if not store.is_sqlite:
            connection.exec_driver_sql("set local enable_seqscan = off")
            connection.exec_driver_sql("set local enable_bitmapscan = off")
            connection.exec_driver_sql("set local enable_sort = off")
        found = connection.exec_driver_sql(f"{words} {statement}", parameters)
        return "\n".join(str(row[-1]) for row in found)


def test_words_alone_are_read_from_an_index_in_the_order_of_the_list(store: Store, at: House) -> None:
    plan = _plan_of_search(store, at, RunFilter(text="invoice"))
    # Of several indexes in this order Postgres takes one by its statistics, of which an empty table has none.
    assert "ix_runs_search" in plan or ("Index Scan Backward using ix_runs_" in plan and not store.is_sqlite)
    # No sorting, and no list of everything that matches: reading ends where the page does.
    assert "LIST SUBQUERY" not in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_words_beside_another_filter_are_still_read_from_their_index(store: Store, at: House) -> None:
    assert "ix_runs_search" in _plan_of_search(store, at, RunFilter(text="invoice", states=("failed",)))
