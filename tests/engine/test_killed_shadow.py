"""A worker killed while it asks for, runs or compares a shadow: each answer has one pair, and nothing is done twice."""

from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import select

from signoff.runs import actions
from signoff.tables.record import OutboxMessage
from signoff.tables.releases import ShadowPair
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine import driver
from tests.engine.kit_engine import Ledger, agent, house
from tests.engine.kit_processes import Processes, until
from tests.engine.kit_shadow import OVER, on_trial, pairs_of

KILLED = -signal.SIGKILL
# By number: where one real run and its shadow, both of six model calls, pass.
POINTS = (
    "completed-not-acked:1",
    "claimed:2",
    "shadow-asking:1",
    "shadow-asked-not-acked:1",
    "before-llm:8",
    "journaled:8",
    "before-complete:2",
    "completed-not-acked:2",
    "shadow-comparing:1",
    "shadow-compared-not-acked:1",
)


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


def is_over(store: Store, release_id: str) -> bool:
    """Whether the pair is over, and nothing more is to be carried: what was carried twice has been, by then."""
    pairs: list[ShadowPair] = pairs_of(store, release_id)
    with store.read() as session:
        left = session.scalar(select(OutboxMessage.id).where(OutboxMessage.done_at.is_(None)).limit(1))
    return left is None and bool(pairs) and all(pair.state in OVER for pair in pairs)


@pytest.mark.parametrize("point", POINTS)
def test_one_answer_has_one_pair_whenever_the_worker_is_killed(store: Store, processes: Processes, point: str):
    ledger = Ledger(processes.ledger)
    at = house(store, "unused")
    agent_id = agent(store, at, "five", slug="five", rules={"flow": "off"})
    release = on_trial(store, at, agent_id=agent_id)
    with store.write() as session:
        run_id = actions.request_run(session, at.who, agent="five", input="Please.").id
    killed = processes.ended(processes.start(fault=point, until="stopped"))
    assert killed == KILLED, f"the worker never came to {point}"
    worker = processes.start(until="stopped")
    until(lambda: is_over(store, release), "the pair")
    with store.read() as session:
        runs = session.scalars(select(Run).order_by(Run.id)).all()
        states = [(run.mode, run.state, run.output) for run in runs]
    worker.terminate()
    assert processes.ended(worker) == 0
    (pair,) = pairs_of(store, release)
    assert (pair.run_id, pair.state, pair.is_equal, pair.differences) == (run_id, "compared", True, {})
    assert states == [("live", "completed", "Five done."), ("shadow", "completed", "Five done.")]
    wanted = driver.expected("five")
    assert sorted(map(str, ledger.calls())) == sorted(map(str, wanted))
