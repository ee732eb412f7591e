"""A worker killed at every named point of a run: the run ends, and nothing outside happens twice."""

from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from signoff.runs import actions
from signoff.tables.runs import Effect, Run
from signoff.tables.session import Store
from signoff.tables.signals import Signal
from tests.engine import driver
from tests.engine.kit_engine import House, Ledger, agent, house
from tests.engine.kit_processes import Processes

KILLED = -signal.SIGKILL
# Where a crash leaves an act of which nobody knows whether it happened: its own, or that of a call beside it.
IN_DOUBT = ("intent-journaled", "tool-sent", "tool-answered-not-journaled")
POINTS = (
    "claimed",
    "before-llm",
    "llm-answered-not-journaled",
    "journaled",
    "intent-journaled",
    "tool-sent",
    "tool-answered-not-journaled",
    "before-complete",
    "completed-not-acked",
)


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


def start(store: Store, at: House, shape: str) -> str:
    # One shape pays after it has read: whether somebody must agree to that is not what is looked at here.
    agent(store, at, shape, slug=shape, rules={"flow": "off"})
    with store.write() as session:
        return actions.request_run(session, at.who, agent=shape, input="Please.").id


def state_of(store: Store, run_id: str) -> Run:
    with store.read() as session:
        return session.get_one(Run, run_id)


def signalled(store: Store, run_id: str) -> list[str]:
    with store.read() as session:
        return list(session.scalars(select(Signal.status).where(Signal.run_id == run_id)))


def settle_all(store: Store, at: House, run_id: str, ledger: Ledger) -> None:
    """Do what a person would: look outside, and say what is true."""
    happened = ledger.calls()
    with store.read() as session:
        unknown = session.scalars(select(Effect).where(Effect.run_id == run_id, Effect.state == "unknown")).all()
    assert unknown
    for effect in unknown:
        was_done = (effect.tool.removeprefix("erp."), effect.args) in happened
        with store.write() as session:
            actions.settle_effect(
                session, at.who, effect.key, outcome="happened" if was_done else "did_not_happen_retry",
                reason="Looked it up in the ERP.",
            )  # fmt: skip


def writes_in(calls: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """What changed something outside, in an order of its own: calls beside each other end in any order."""
    return sorted(str(call) for call in calls if call[0] != "look")


def killed_and_recovered(store: Store, processes: Processes, shape: str, fault: str) -> tuple[Run, list[str]]:
    """Kill a worker at `fault` and let another one go on. Returns the run, and what was written outside."""
    ledger = Ledger(processes.ledger)
    at = house(store, "unused")
    run_id = start(store, at, shape)
    if processes.ended(processes.start(fault=fault)) != KILLED:
        pytest.fail(f"the worker never came to {fault}")
    assert processes.ended(processes.start()) == 0
    run = state_of(store, run_id)
    if run.state == "waiting":
        assert fault.split(":")[0] in IN_DOUBT
        settle_all(store, at, run_id, ledger)
        assert processes.ended(processes.start()) == 0
        run = state_of(store, run_id)
    return run, writes_in(ledger.calls())


@pytest.mark.parametrize("point", POINTS)
def test_parallel_calls_survive_every_point(store: Store, processes: Processes, point: str):
    run, wrote = killed_and_recovered(store, processes, "parallel", f"{point}:1")
    assert (run.state, run.output, run.reason) == ("completed", "All four done.", None)
    assert wrote == writes_in(driver.expected("parallel"))
    # Its facts are there once, whether it died before its end was written or after.
    assert signalled(store, run.id) == ["completed"]


# How often a run of five calls passes each point; elsewhere six times, once for each call and the answer.
PASSAGES = {
    "claimed": 1,
    "before-complete": 1,
    "completed-not-acked": 1,
    "intent-journaled": 3,
    "tool-sent": 5,
    "tool-answered-not-journaled": 5,
}
EVERY_STEP = [f"{point}:{number}" for point in POINTS for number in range(1, PASSAGES.get(point, 6) + 1)]


@pytest.mark.slow
@pytest.mark.parametrize("fault", EVERY_STEP)
def test_five_calls_survive_every_step(store: Store, processes: Processes, fault: str):
    run, wrote = killed_and_recovered(store, processes, "five", fault)
    assert (run.state, run.output, run.reason) == ("completed", "Five done.", None)
    assert wrote == writes_in(driver.expected("five"))
