"""Two workers on one database; one is killed while both are at work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from signoff.runs import actions
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine import driver
from tests.engine.kit_engine import Ledger, agent, house
from tests.engine.kit_processes import Processes, until
from tests.engine.test_killed import settle_all

RUNS = 12


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


def test_every_run_ends_and_nothing_is_done_twice(store: Store, processes: Processes):
    ledger = Ledger(processes.ledger)
    at = house(store, "unused")
    agent(store, at, "five", slug="five", rules={"flow": "off"})
    with store.write() as session:
        ids = [actions.request_run(session, at.who, agent="five", input=f"Number {n}").id for n in range(RUNS)]
    first, second = processes.start(lease_seconds=2.0), processes.start(until="stopped", lease_seconds=2.0)
    until(lambda: len(ledger.calls()) >= RUNS, "some work to be done")
    first.kill()
    processes.ended(first)

    def states() -> dict[str, Run]:
        with store.read() as session:
            return {run.id: run for run in session.scalars(select(Run).where(Run.id.in_(ids)))}

    def is_settled() -> bool:
        for run in states().values():
            if run.state == "waiting" and run.waiting_for == "reconciliation":
                settle_all(store, at, run.id, OnlyOf(processes.ledger, run.id))
        return all(run.state in ("completed", "failed", "cancelled") for run in states().values())

    until(is_settled, "every run to end")
    assert second.pid is not None
    second.terminate()
    assert processes.ended(second) == 0
    assert {(run.state, run.reason) for run in states().values()} == {("completed", None)}
    wrote = Counter((key.split(":")[0], tool, str(args)) for key, tool, args in ledger.writes())
    expected = [(run_id, tool, str(args)) for run_id in ids for tool, args in driver.expected("five") if tool != "look"]
    assert wrote == Counter(expected)


class OnlyOf(Ledger):
    """What the ledger says of one run."""

    def __init__(self, path: Path, run_id: str) -> None:
        super().__init__(path)
        self._run_id = run_id

    def calls(self, tool: str | None = None) -> list[tuple[str, dict[str, Any]]]:
        return [(name, args) for key, name, args in self.writes() if key.startswith(self._run_id)]
