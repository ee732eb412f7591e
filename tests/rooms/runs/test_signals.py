"""What a run leaves behind when it ends: one row of facts, written with its end."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from signoff.kit import clock, ids
from signoff.record.actor import SYSTEM
from signoff.runs import actions
from signoff.runs.actions.batch import call_off_batch
from signoff.runs.signals import recount, write_signals
from signoff.tables.approvals import Approval
from signoff.tables.runs import Run
from signoff.tables.session import Store
from signoff.tables.signals import Signal
from tests.engine.kit_engine import House, house
from tests.rooms.runs.kit_runs import put, revision_of, run_row


def running(store: Store, at: House, number: int = 0, **values: Any) -> Run:
    given = {"state": "running", "started_at": clock.now() - timedelta(seconds=90), **values}
    row = run_row(at, number, revision_id=revision_of(store, at), **given)
    put(store, row)
    return row


def asked(store: Store, at: House, run: Run, number: int, **values: Any) -> None:
    row: dict[str, Any] = {
        "id": ids.new_id("apr"), "workspace_id": at.workspace_id, "environment_id": at.environment_id,
        "agent_id": at.agent_id, "revision_id": run.revision_id, "run_id": run.id, "leg": 1, "call_id": f"c{number}",
        "agent_name": "Clerk", "revision_number": 1, "run_requested_by": "mem_x", "kind": "approval",
        "state": "approved", "gate": "pay", "asked_by_policy": "gate", "why": "", "args": {}, "binding": "x",
        "decision": {}, "title": "", "summary": "", "card": {}, "rule": {}, "quorum": 1, "created_at": clock.now(),
        **values,
    }  # fmt: skip
    put(store, Approval(**row))


def signal(store: Store, run_id: str) -> Signal:
    with store.read() as session:
        return session.get_one(Signal, run_id)


def signals(store: Store) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(Signal)) or 0


def test_a_completed_run_leaves_its_facts(store: Store):
    at = house(store, "unused")
    run = running(
        store, at, release_id="rel_1", variant="candidate", cost_usd=Decimal("0.25"), tokens_in=70, tokens_out=30,
        tool_calls=4,
    )  # fmt: skip
    asked(store, at, run, 1)
    asked(store, at, run, 2, state="denied")
    asked(store, at, run, 3, kind="question", state="answered")
    with store.write() as session:
        assert actions.complete_run(session, run.id, 1, by=SYSTEM, output="done")
    facts = signal(store, run.id)
    assert (facts.release_id, facts.variant, facts.status, facts.is_error) == ("rel_1", "candidate", "completed", False)
    assert (facts.agent_id, facts.environment_id, facts.revision_id) == (
        at.agent_id, at.environment_id, run.revision_id,
    )  # fmt: skip
    assert (facts.source, facts.origin, facts.mode) == ("manual", "production", "live")
    assert (facts.cost_usd, facts.tokens, facts.tool_calls) == (Decimal("0.25"), 100, 4)
    assert (facts.approvals_asked, facts.approvals_denied, facts.needed_input) == (2, 1, True)
    assert facts.duration_seconds == pytest.approx(90, abs=30)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ({"class": "refund", "total": 4}, "refund"),
        ({"class": "r" * 300}, "r" * 200),
        ({"class": ""}, None),
        ({"class": 4}, None),
        ({"total": 4}, None),
        ("class: refund", None),
        (["class"], None),
        (None, None),
    ],
)
def test_the_class_of_a_task_is_what_its_output_says_and_nothing_else(store: Store, output: Any, kind: str | None):
    at = house(store, "unused")
    run = running(store, at)
    with store.write() as session:
        actions.complete_run(session, run.id, 1, by=SYSTEM, output=output)
    facts = signal(store, run.id)
    assert (facts.kind, facts.score) == (kind, None)


def test_classes_are_written_for_many_at_once_too(store: Store):
    at = house(store, "unused")
    ended = {"output": {"class": "half done"}, "ended_at": clock.now()}
    rows = [running(store, at, number, state=state, **ended) for number, state in enumerate(("completed", "cancelled"))]
    with store.write() as session:
        write_signals(session, [row.id for row in rows])
    assert [signal(store, row.id).kind for row in rows] == ["half done", None]


@pytest.mark.parametrize(
    ("code", "is_error"),
    [
        ("tool_error", True),
        ("engine_fault", True),
        ("turn_limit", True),
        ("denied", False),
        ("approval_expired", False),
        ("agent_disabled", False),
        ("run_budget_exceeded", False),
        ("month_budget_exceeded", False),
    ],
)
def test_a_run_that_somebody_ended_did_not_go_wrong(store: Store, code: str, is_error: bool):
    at = house(store, "unused")
    run = running(store, at)
    with store.write() as session:
        assert actions.fail_run(session, run.id, 1, by=SYSTEM, code=code, reason="It failed.")
    facts = signal(store, run.id)
    assert (facts.status, facts.code, facts.is_error, facts.needed_input) == ("failed", code, is_error, False)


def test_a_run_ends_once_and_so_does_its_signal(store: Store):
    at = house(store, "unused")
    run = running(store, at)
    with store.write() as session:
        assert actions.fail_run(session, run.id, 1, by=SYSTEM, code="tool_error", reason="It failed.")
        assert not actions.complete_run(session, run.id, 1, by=SYSTEM, output="too late")
    assert signals(store) == 1
    assert signal(store, run.id).status == "failed"


def test_what_is_rolled_back_left_no_signal(store: Store):
    at = house(store, "unused")
    run = running(store, at)
    with store.write() as session:
        assert actions.complete_run(session, run.id, 1, by=SYSTEM, output="done")
        session.rollback()
    assert signals(store) == 0


def test_a_rejected_run_says_nothing_of_its_revision(store: Store):
    at = house(store, "unused")
    run = running(store, at, state="queued", started_at=None)
    with store.write() as session:
        assert actions.reject_run(session, run.id, by=SYSTEM, code="day_budget_exceeded", reason="No money.")
    assert signals(store) == 0


def test_runs_called_off_one_by_one_and_by_the_batch_have_their_signals(store: Store):
    at = house(store, "unused")
    one = running(store, at, 0, state="waiting", waiting_for="approval", variant="pinned")
    many = [running(store, at, number, state="queued", started_at=None) for number in range(1, 6)]
    with store.write() as session:
        actions.cancel_run(session, at.who, one.id)
        hit = call_off_batch(
            session, [Run.agent_id == at.agent_id], reason="Stop.", size=10, by=at.who.id, by_name=at.who.name
        )
    assert sorted(hit) == sorted(run.id for run in many)
    assert signals(store) == 6
    assert (signal(store, one.id).status, signal(store, one.id).variant) == ("cancelled", "pinned")
    facts = signal(store, many[0].id)
    assert (facts.status, facts.code, facts.is_error, facts.duration_seconds) == ("cancelled", "cancelled", False, 0)
    assert facts.variant == "live"


def test_what_is_booked_after_the_end_is_taken_up(store: Store):
    at = house(store, "unused")
    run = running(store, at)
    with store.write() as session:
        actions.complete_run(session, run.id, 1, by=SYSTEM, output="done")
        session.get_one(Run, run.id, populate_existing=True).cost_usd = Decimal("0.5")
        session.flush()
        recount(session, run.id)
    assert signal(store, run.id).cost_usd == Decimal("0.5")
