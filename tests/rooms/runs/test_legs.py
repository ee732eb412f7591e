"""What the engine does to a run: one winner in every race."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.record import alarms, trace
from signoff.record.actor import SYSTEM
from signoff.runs import actions
from signoff.runs.facts import LegStart
from signoff.runs.holds import Hold
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Effect, Leg, Run, RunEvent
from signoff.tables.session import Store
from tests.engine.kit_engine import House, house
from tests.rooms.runs.kit_runs import effect_row, put, revision_of, run_row


@pytest.fixture
def at(store: Store) -> House:
    return house(store, "nothing")


@pytest.fixture
def run_id(store: Store, at: House) -> str:
    return put(store, run_row(at, revision_id=revision_of(store, at)))[0].id


def begin(store: Store, run_id: str, leg: int = 1, worker: str = "w1") -> bool:
    with store.write() as session:
        return actions.start_leg(session, run_id, leg, worker=worker, wall_seconds_max=60) is not None


def row(store: Store, run_id: str) -> Run:
    with store.read() as session:
        return session.get_one(Run, run_id)


def test_a_leg_begins_once_and_again_after_a_crash(store: Store, run_id: str):
    assert not begin(store, run_id, leg=2)
    assert begin(store, run_id)
    run = row(store, run_id)
    assert (run.state, run.leg) == ("running", 1)
    assert run.started_at is not None
    assert run.deadline_at is not None
    assert (run.deadline_at - run.started_at).total_seconds() == pytest.approx(60, abs=1)
    assert begin(store, run_id, worker="w2")
    with store.read() as session:
        assert session.get_one(Leg, (run_id, 1)).worker == "w2"


def test_a_leg_that_begins_again_relies_on_what_it_had(store: Store, run_id: str):
    def start(worker: str, tools: list[str]) -> LegStart | None:
        with store.write() as session:
            return actions.start_leg(
                session, run_id, 1, worker=worker, wall_seconds_max=60, relies_on=lambda _: {"tools": tools}
            )

    start("w1", ["as it was"])
    again = start("w2", ["changed meanwhile"])
    assert again is not None
    assert again.relies_on == {"tools": ["as it was"]}
    with store.write() as session:
        actions.end_leg(session, run_id, 1, state="completed", worker="w2")
    with store.read() as session:
        assert session.get_one(Leg, (run_id, 1)).relies_on is None


def test_who_lost_the_leg_cannot_end_it(store: Store, run_id: str):
    begin(store, run_id, worker="w1")
    with store.write() as session:
        assert actions.take_leg(session, run_id, 1, worker="w2")
        assert not actions.end_leg(session, run_id, 1, state="completed", worker="w1")
        assert actions.end_leg(session, run_id, 1, state="completed", worker="w2")
        assert not actions.end_leg(session, run_id, 1, state="completed", worker="w2")
        assert not actions.take_leg(session, run_id, 1, worker="w3")


def test_a_run_ends_once(store: Store, run_id: str):
    begin(store, run_id)
    with store.write() as session:
        assert actions.complete_run(session, run_id, 1, by=SYSTEM, output={"ok": True})
        assert not actions.fail_run(session, run_id, 1, by=SYSTEM, code="late", reason="Too late.")
        assert not actions.end_cancelled(session, run_id, None, by=SYSTEM)
    run = row(store, run_id)
    assert (run.state, run.output, run.needs_attention) == ("completed", {"ok": True}, False)
    with store.read() as session:
        events = session.execute(select(RunEvent.kind, RunEvent.data).order_by(RunEvent.id)).all()
    assert [kind for kind, _ in events] == ["run", "run", "done"]
    assert events[-1][1]["output"] == {"ok": True}


def test_a_failure_asks_for_attention_until_it_is_seen(store: Store, at: House, run_id: str):
    begin(store, run_id)
    with store.write() as session:
        actions.fail_run(session, run_id, 1, by=SYSTEM, code="broken", reason="It broke.", failed_step="m:1:1")
    assert row(store, run_id).needs_attention
    with store.write() as session:
        actions.acknowledge_run(session, at.who, run_id)
    assert not row(store, run_id).needs_attention
    with store.write() as session, pytest.raises(NotNow):
        actions.acknowledge_run(session, at.who, run_id)


def test_a_wait_goes_on_once(store: Store, run_id: str):
    begin(store, run_id)
    with store.write() as session:
        actions.end_leg(session, run_id, 1, state="waiting", worker="w1")
        actions.wait_run(session, run_id, 1, by=SYSTEM, waiting_for="provider", code="outage", reason="Away.")
        assert not actions.resume_run(session, run_id, leg=1, waiting_for="reconciliation")
        assert actions.resume_run(session, run_id, leg=1, waiting_for="provider")
        assert not actions.resume_run(session, run_id, leg=1, waiting_for="provider")
        payloads = session.scalars(select(OutboxMessage.payload)).all()
    assert payloads == [{"run_id": run_id, "leg": 2}]
    assert begin(store, run_id, leg=2)


def held(store: Store, at: House, run_id: str, *call_ids: str) -> None:
    begin(store, run_id)
    run = row(store, run_id)
    put(store, *(effect_row(at, run, call_id) for call_id in call_ids))
    with store.write() as session:
        actions.end_leg(
            session, run_id, 1, state="waiting", worker="w1", holds=[Hold(each, "reconciliation") for each in call_ids]
        )
        actions.wait_run(session, run_id, 1, by=SYSTEM, waiting_for="reconciliation", code="needs", reason="Look.")


def test_the_last_settlement_lets_the_run_go_on(store: Store, at: House, run_id: str):
    held(store, at, run_id, "a", "b")
    with store.write() as session:
        assert not actions.settle_effect(session, at.who, f"{run_id}:a", outcome="happened", reason="Seen.", result=1)
    assert row(store, run_id).waiting_for == "reconciliation"
    with store.write() as session:
        assert actions.settle_effect(session, at.who, f"{run_id}:b", outcome="did_not_happen", reason="Not there.")
    assert (row(store, run_id).waiting_for, row(store, run_id).leg) == (None, 2)
    with store.read() as session:
        effect = session.get_one(Effect, f"{run_id}:a")
        assert (effect.state, effect.settlement, effect.result, effect.settled_by_name) == (
            "settled", "happened", 1, "Signoff",
        )  # fmt: skip


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_what_is_said_while_the_leg_ends_lets_the_run_go_on(
    store: Store, at: House, run_id: str, monkeypatch: pytest.MonkeyPatch
):
    begin(store, run_id)
    put(store, effect_row(at, row(store, run_id), "a"))
    take_turn = trace.take_turn

    def leg_ends_first(session: Session, of_run: str) -> None:
        monkeypatch.setattr(trace, "take_turn", take_turn)
        with store.write() as other:
            actions.end_leg(other, run_id, 1, state="waiting", worker="w1", holds=[Hold("a", "reconciliation")])
            assert actions.wait_run(
                other, run_id, 1, by=SYSTEM, waiting_for="reconciliation", code="needs_reconciliation", reason="x"
            )
        take_turn(session, of_run)

    monkeypatch.setattr(trace, "take_turn", leg_ends_first)
    with store.write() as session:
        assert actions.settle_effect(session, at.who, f"{run_id}:a", outcome="happened", reason="Seen.")
    assert (row(store, run_id).waiting_for, row(store, run_id).leg) == (None, 2)


def test_settling_is_for_those_who_may_and_gives_reasons(store: Store, at: House, run_id: str):
    held(store, at, run_id, "a")
    member = Principal("member", "mem_m", "Max", at.workspace_id, "member")
    stranger = Principal("member", "mem_s", "Sid", "ws_other", "owner")
    key = f"{run_id}:a"
    for who, error in ((member, NotAllowed), (stranger, NotFound)):
        with store.write() as session, pytest.raises(error):
            actions.settle_effect(session, who, key, outcome="happened", reason="Seen.")
    for wrong in ({"outcome": "maybe", "reason": "x"}, {"outcome": "happened", "reason": "  "},
                  {"outcome": "happened", "reason": "x", "result": "y" * 30_000}):  # fmt: skip
        with store.write() as session, pytest.raises(Malformed):
            actions.settle_effect(session, at.who, key, **wrong)  # pyright: ignore[reportArgumentType]
    assert row(store, run_id).state == "waiting"


def test_an_act_that_was_cut_off_must_be_looked_at(store: Store, at: House, run_id: str):
    begin(store, run_id)
    put(store, effect_row(at, row(store, run_id), "a", state="intended"))
    with store.write() as session:
        actions.end_leg(session, run_id, 1, state="stopped", worker="w1")
    with store.read() as session:
        assert session.get_one(Effect, f"{run_id}:a").state == "unknown"
        asked = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == alarms.RAISE)).one()
        assert (asked.payload["key"], asked.payload["kind"]) == (f"effect:{run_id}:a", "effect_unknown")


def test_cancelling_in_every_state(store: Store, at: House, run_id: str):
    with store.write() as session:
        assert actions.cancel_run(session, at.who, run_id) == "cancelled"
    with store.write() as session, pytest.raises(NotNow):
        actions.cancel_run(session, at.who, run_id)
    running = put(store, run_row(at, 1, revision_id=revision_of(store, at)))[0].id
    begin(store, running)
    for _ in range(2):
        with store.write() as session:
            assert actions.cancel_run(session, at.who, running, reason="Enough.") == "running"
    run = row(store, running)
    assert (run.is_cancel_requested, run.reason, run.state) == (True, "Enough.", "running")
    with store.read() as session:
        assert session.scalars(select(OutboxMessage.kind)).all() == ["run.cancel"]
