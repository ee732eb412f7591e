"""A process killed anywhere between the call to another agent and the answer: one run for each call, and on it goes."""

from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import select

from signoff.runs import actions
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine.kit_engine import Ledger, agent, house
from tests.engine.kit_processes import Processes

KILLED = -signal.SIGKILL
FAULTS = (
    "child-made:1",
    "child-made:2",
    "hold-created:1",
    "child-ended-not-told:1",
    "parent-woken-not-acked:1",
    "child-made:3",
    "completed-not-acked:3",
)


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_between_call_and_answer_each_call_is_one_run_and_the_parent_goes_on(
    store: Store, processes: Processes, fault: str
):
    at = house(store, "unused")
    named = [{"agent": "helper", "tool": "ask_helper"}, {"agent": "other", "tool": "ask_other"}]
    agent(store, at, "family_parent", slug="desk", sub_agents=named)
    agent(store, at, "family_child", slug="helper")
    agent(store, at, "family_child", slug="other")
    with store.write() as session:
        run_id = actions.request_run(session, at.who, agent="desk", input="Please.").id
    assert processes.ended(processes.start(fault=fault)) == KILLED
    assert processes.ended(processes.start()) == 0
    with store.read() as session:
        run = session.get_one(Run, run_id)
        children = session.scalars(select(Run).where(Run.parent_run_id == run_id)).all()
    assert (run.state, run.output, run.child_runs) == ("completed", "Both.", 2)
    assert sorted((one.agent_slug, one.state, one.output) for one in children) == [
        ("helper", "completed", "Done."), ("other", "completed", "Done."),
    ]  # fmt: skip
    keys = {key for key, _, _ in Ledger(processes.ledger).writes()}
    assert len(keys) == 2
