"""A worker killed while it begins, runs, scores or ends an evaluation: each example is scored once, nothing is sent."""

from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from signoff.evaluations.states import is_over
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine.kit_engine import Ledger, agent, house
from tests.engine.kit_evaluation import ask, dataset, second, state_of, told
from tests.engine.kit_processes import Processes, until

KILLED = -signal.SIGKILL
# Two examples, both sides: four runs.
POINTS = (
    "evaluation-beginning:1",
    "evaluation-begun-not-acked:1",
    "evaluation-starting:1",
    "evaluation-started-not-acked:1",
    "evaluation-started-not-acked:3",
    "journaled:2",
    "completed-not-acked:2",
    "evaluation-scoring:1",
    "evaluation-scored-not-acked:2",
    "evaluation-ending:1",
    "evaluation-scored-not-acked:4",
)


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


def is_done(store: Store, evaluation_id: str) -> bool:
    """Whether it is over, and nothing more is to be carried: what was carried twice has been, by then."""
    with store.read() as session:
        left = session.scalar(select(OutboxMessage.id).where(OutboxMessage.done_at.is_(None)).limit(1))
    return left is None and is_over(state_of(store, evaluation_id))


@pytest.mark.parametrize("point", POINTS)
def test_each_example_is_scored_once_whenever_the_worker_is_killed(store: Store, processes: Processes, point: str):
    ledger = Ledger(processes.ledger)
    at = house(store, "unused")
    agent_id = agent(store, at, "safe", slug="safe", rules={"flow": "off"})
    revision = second(store, at, agent_id=agent_id, sop="Do it well.")
    golden = dataset(store, at, "Safe and done.", "Safe and done.", agent_id=agent_id)
    asked = ask(store, at, golden, revision, agent_id=agent_id)
    killed = processes.ended(processes.start(fault=point, until="stopped"))
    assert killed == KILLED, f"the worker never came to {point}"
    worker = processes.start(until="stopped")
    until(lambda: is_done(store, asked), "the evaluation")
    worker.terminate()
    assert processes.ended(worker) == 0
    found, results = told(store, at, asked)
    assert (found.facts.state, found.facts.score, found.facts.baseline_score) == ("completed", 1.0, 1.0)
    assert [(one.candidate.state, one.baseline and one.baseline.state) for one in results] == [("scored", "scored")] * 2
    with store.read() as session:
        runs = session.scalar(select(func.count()).select_from(Run).where(Run.mode == "evaluation"))
    assert runs == 4
    assert ledger.writes() == []
