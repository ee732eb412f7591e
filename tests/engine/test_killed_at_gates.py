"""A process killed anywhere between the decision to ask a person and the call: asked once, answered once, done once."""

from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from signoff.kit import clock
from signoff.runs import actions
from signoff.tables.agents import Agent
from signoff.tables.approvals import Approval
from signoff.tables.people import Member, Person
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine import driver
from tests.engine.kit_engine import House, Ledger, agent, house
from tests.engine.kit_processes import Processes
from tests.engine.test_killed import settle_all

KILLED = -signal.SIGKILL
# Before anybody could answer; the second passage is that of the second call beside the first.
BEFORE = (
    "hold-decided:1",
    "hold-decided:2",
    "approval-written:1",
    "approval-written:2",
    "journaled:2",
    "hold-created:1",
)
AFTER = ("leg-enqueued:1", "leg-started:1", "intent-journaled:1", "intent-journaled:2", "tool-sent:1", "tool-sent:2",
         "tool-answered-not-journaled:1", "journaled:1", "before-complete:1")  # fmt: skip


def chosen(faults: tuple[str, ...]) -> list[Any]:
    """The first passage of each point always; the second, of the call beside it, where there is time."""
    return [pytest.param(one, marks=pytest.mark.slow) if one.endswith(":2") else one for one in faults]


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


def start(store: Store) -> tuple[House, str]:
    """A run whose two payments meet a gate; Bob owns the agent and is asked."""
    at = house(store, "unused")
    gate = {"name": "pay", "tools": ["erp.pay"], "asks": ["owner"]}
    agent_id = agent(store, at, "gated", slug="gated", gates=[gate])
    with store.write() as session:
        session.add(Person(id="per_bob", email="bob@acme.example", name="Bob", created_at=clock.now()))
        session.flush()
        session.add(
            Member(
                id="mem_bob", workspace_id=at.workspace_id, person_id="per_bob", role="builder", created_at=clock.now()
            )
        )
        session.flush()
        session.get_one(Agent, agent_id).owner_id = "mem_bob"
        return at, actions.request_run(session, at.who, agent="gated", input="Please.").id


def requests(store: Store, run_id: str) -> list[Approval]:
    with store.read() as session:
        return list(session.scalars(select(Approval).where(Approval.run_id == run_id).order_by(Approval.id)))


def run_of(store: Store, run_id: str) -> Run:
    with store.read() as session:
        return session.get_one(Run, run_id)


def wait_for_people(store: Store, processes: Processes, run_id: str) -> list[Approval]:
    """Let a worker bring the run to where it waits; return what it asks."""
    assert processes.ended(processes.start()) == 0
    run = run_of(store, run_id)
    assert (run.state, run.waiting_for) == ("waiting", "approval")
    asked = requests(store, run_id)
    assert [(one.state, one.args) for one in sorted(asked, key=lambda one: one.args["n"])] == [
        ("pending", {"n": 2}), ("pending", {"n": 3}),
    ]  # fmt: skip
    assert Ledger(processes.ledger).calls("pay") == []
    return asked


def answer_all(processes: Processes, at: House, asked: list[Approval]) -> None:
    for one in asked:
        assert processes.ended(processes.answer(at.workspace_id, one.id)) == 0


def finish(store: Store, processes: Processes, at: House, run_id: str) -> None:
    """Let a worker go on to the end, with a person looking after acts in doubt; and check everything."""
    ledger = Ledger(processes.ledger)
    assert processes.ended(processes.start()) == 0
    run = run_of(store, run_id)
    while run.state == "waiting":
        assert run.waiting_for == "reconciliation"
        settle_all(store, at, run_id, ledger)
        assert processes.ended(processes.start()) == 0
        run = run_of(store, run_id)
    assert (run.state, run.output, run.reason) == ("completed", driver.SHAPES["gated"][-1], None)
    assert sorted(ledger.calls("pay"), key=str) == [("pay", {"n": 2}), ("pay", {"n": 3})]
    assert [(one.state, one.used_at is not None) for one in requests(store, run_id)] == [("approved", True)] * 2


@pytest.mark.parametrize("fault", chosen(BEFORE))
def test_killed_while_it_asks_the_run_asks_once(store: Store, processes: Processes, fault: str):
    at, run_id = start(store)
    assert processes.ended(processes.start(fault=fault)) == KILLED
    asked = wait_for_people(store, processes, run_id)
    answer_all(processes, at, asked)
    finish(store, processes, at, run_id)


def test_killed_while_it_is_decided_the_decision_can_be_made_again(store: Store, processes: Processes):
    at, run_id = start(store)
    asked = wait_for_people(store, processes, run_id)
    for one in asked:
        assert processes.ended(processes.answer(at.workspace_id, one.id, fault="decision-written:1")) == KILLED
    assert [one.state for one in requests(store, run_id)] == ["pending", "pending"]
    answer_all(processes, at, asked)
    finish(store, processes, at, run_id)


@pytest.mark.parametrize("fault", chosen(AFTER))
def test_killed_after_the_answer_what_was_agreed_to_happens_once(store: Store, processes: Processes, fault: str):
    at, run_id = start(store)
    answer_all(processes, at, wait_for_people(store, processes, run_id))
    assert processes.ended(processes.start(fault=fault)) == KILLED
    finish(store, processes, at, run_id)
