"""Asking for a run."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal, system
from signoff.record import audit
from signoff.runs import actions
from signoff.runs.facts import RequestedRun
from signoff.tables.agents import Agent
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment
from signoff.tables.record import AuditRow, OutboxMessage
from signoff.tables.runs import Run, RunEvent
from signoff.tables.session import Store
from tests.engine.kit_engine import House, house


@pytest.fixture
def at(store: Store) -> House:
    return house(
        store, "nothing", input_schema={"type": "object", "required": ["subject"]}, limits={"input_chars": 500}
    )


def request(store: Store, at: House, value: Any = None, who: Principal | None = None, **more: Any) -> RequestedRun:
    with store.write() as session:
        return actions.request_run(
            session, who or at.who, agent=more.pop("agent", "clerk"), input=value or {"subject": "Hello"}, **more
        )


def row(store: Store, run_id: str) -> Run:
    with store.read() as session:
        return session.get_one(Run, run_id)


def test_a_test_is_a_rehearsal_whoever_asks_for_it(store: Store, at: House):
    assert row(store, request(store, at, origin="test").id).mode == "sandbox"
    assert row(store, request(store, at, origin="test", mode="live").id).mode == "sandbox"
    assert row(store, request(store, at).id).mode == "live"


def test_the_key_it_was_asked_for_with_is_kept(store: Store, at: House):
    robot = Principal("key", "mem_x", "Ann, key Robot", at.workspace_id, "owner", key_id="key_x")
    kept = [row(store, request(store, at, who=who).id).requested_with for who in (robot, at.who)]
    assert kept == ["key_x", None]


def test_run_message_audit_and_event_come_together(store: Store, at: House):
    asked = request(store, at, external_id="ext-1")
    assert (asked.state, asked.is_new, asked.revision_number) == ("queued", True, 1)
    with store.read() as session:
        message = session.scalars(select(OutboxMessage)).one()
        assert (message.kind, message.payload) == ("run.start", {"run_id": asked.id, "leg": 1})
        assert session.scalars(select(AuditRow.action)).all() == ["run.request"]
        assert audit.verify(session, at.workspace_id).first_broken_seq is None
        assert [event.data["state"] for event in session.scalars(select(RunEvent))] == ["queued"]
    run = row(store, asked.id)
    assert (run.title, run.is_scripted, run.requested_by) == ("Hello", True, "system")
    assert all(word in run.search_text for word in ("hello", asked.id, "clerk", "ext-1"))


def test_nothing_is_left_when_the_transaction_fails(store: Store, at: House):
    def fail_after() -> None:
        with store.write() as session:
            actions.request_run(session, at.who, agent="clerk", input={"subject": "Hello"})
            raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        fail_after()
    with store.read() as session:
        assert session.scalars(select(Run.id)).all() == []
        assert session.scalars(select(OutboxMessage.id)).all() == []
        assert session.scalars(select(AuditRow.id)).all() == []


def test_the_same_input_key_is_the_same_run(store: Store, at: House):
    first = request(store, at, input_key="hash-1")
    again = request(store, at, {"subject": "Other"}, input_key="hash-1")
    assert (again.id, again.is_new) == (first.id, False)
    with store.read() as session:
        assert len(session.scalars(select(OutboxMessage.id)).all()) == 1


def test_an_input_key_is_one_of_its_agent_and_environment(store: Store, at: House):
    with store.write() as session:
        session.add(
            Environment(id="env_s", workspace_id=at.workspace_id, slug="staging", name="S", created_at=clock.now())
        )
    first = request(store, at, input_key="hash-1", environment="production", revision=1)
    other = request(store, at, input_key="hash-1", environment="staging", revision=1)
    assert other.is_new
    assert other.id != first.id


def test_an_external_id_names_one_run(store: Store, at: House):
    first = request(store, at, external_id="A-7")
    with pytest.raises(NotNow) as refused:
        request(store, at, external_id="A-7")
    assert (refused.value.code, refused.value.extra) == ("external_id_taken", {"run": first.id})


def test_a_bad_input_is_refused_with_its_paths(store: Store, at: House):
    with pytest.raises(Malformed, match="subject"):
        request(store, at, {"sender": "x"})


def test_a_long_input_is_cut_and_says_so(store: Store, at: House):
    run = row(store, request(store, at, {"subject": "Hi", "body": "x" * 5_000}).id)
    assert run.is_truncated
    assert "Cut here by Signoff" in run.input["body"]


def test_a_disabled_agent_rejects_with_its_reason(store: Store, at: House):
    with store.write() as session:
        session.execute(update(Agent).values(state="disabled"))
    asked = request(store, at)
    assert asked.state == "rejected"
    run = row(store, asked.id)
    assert (run.code, run.ended_at is not None) == ("agent_disabled", True)
    assert run.reason
    with store.read() as session:
        assert session.scalars(select(OutboxMessage.id)).all() == []


def test_what_cannot_be_found(store: Store, at: House):
    other = house(store, "nothing", slug="other")
    wrongs: list[dict[str, Any]] = [
        {"agent": "nobody"},
        {"environment": "moon"},
        {"revision": 9},
        {"revision": "rev_x"},
    ]
    for wrong in wrongs:
        with pytest.raises(NotFound):
            request(store, at, **wrong)
    with pytest.raises(NotFound):
        request(store, at, agent=other.agent_id)


def test_nothing_live_is_said(store: Store, at: House):
    with store.write() as session:
        session.query(LiveRevision).delete()
    with pytest.raises(NotNow) as refused:
        request(store, at)
    assert refused.value.code == "nothing_live"
    assert request(store, at, revision=1).state == "queued"


def test_who_may_start_runs(store: Store, at: House):
    viewer = Principal("member", "mem_v", "Vera", at.workspace_id, "viewer")
    with pytest.raises(NotAllowed):
        request(store, at, who=viewer)
    elsewhere = Principal("key", "key_e", "Key", at.workspace_id, "manager", environment_id="env_other")
    with pytest.raises(NotFound):
        request(store, at, who=elsewhere)
    with pytest.raises(NotFound):
        request(store, at, who=system("ws_other"))


def test_a_replay_pins_revision_and_input(store: Store, at: House):
    asked = request(store, at)
    with pytest.raises(NotNow):
        request(store, at, replay_of=asked.id)
    with store.write() as session:
        session.execute(update(Run).values(state="completed"))
    replay = row(store, request(store, at, {"subject": "ignored"}, replay_of=asked.id).id)
    assert (replay.mode, replay.origin, replay.source, replay.replay_of) == ("replay", "test", "replay", asked.id)
    assert replay.input == {"subject": "Hello"}
