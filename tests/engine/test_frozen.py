"""A worker that was only asleep: others took over, and it may not act any more."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from signoff.durable.lease import LOST_EXIT_CODE
from signoff.runs import actions
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine.kit_engine import Ledger, house
from tests.engine.kit_processes import Processes, until


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


@contextmanager
def nobody_writes(store: Store, engine_file: Path) -> Generator[None]:
    """Hold the writer's place of both SQLite files: frozen with it in hand, a process could not be taken over from."""
    files = [str(store.engine.url.database), str(engine_file)] if store.is_sqlite else []
    with ExitStack() as held:
        for file in files:
            connection = held.enter_context(closing(sqlite3.connect(file, timeout=30)))
            connection.execute("begin immediate")
        yield


def test_a_frozen_worker_is_replaced_and_cannot_act(store: Store, processes: Processes):
    at = house(store, "gate")
    with store.write() as session:
        run_id = actions.request_run(session, at.who, agent="clerk", input="Please.").id
    processes.data_dir.mkdir(exist_ok=True)
    reached, gate = processes.data_dir / "gate.reached", processes.data_dir / "gate"
    # Asleep while the model thinks: the next thing it would do is post.
    frozen = processes.start(until="stopped", lease_seconds=2.0)
    until(reached.exists, "the first worker to think")
    assert frozen.pid is not None
    with nobody_writes(store, processes.data_dir / "engine.sqlite"):
        os.kill(frozen.pid, signal.SIGSTOP)
    gate.touch()
    second = processes.start(lease_seconds=2.0)

    def is_completed() -> bool:
        with store.read() as session:
            return session.get_one(Run, run_id).state == "completed"

    until(is_completed, "the second worker to take over")
    os.kill(frozen.pid, signal.SIGCONT)
    assert processes.ended(frozen) == LOST_EXIT_CODE
    assert processes.ended(second) == 0
    assert Ledger(processes.ledger).calls() == [("post", {"n": 1})]
