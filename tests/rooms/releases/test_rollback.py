"""Going back: to what, for whom, and what becomes of what is under way."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from signoff.agents.actions import save_draft
from signoff.deployments.actions import freeze_and_serve_first
from signoff.deployments.refusals import LiveChanged
from signoff.deployments.retiring import retire_revision
from signoff.kit import clock
from signoff.kit.errors import NotAllowed, Refusal
from signoff.releases.actions import abort_release, drill_for_real, repin_run, roll_back, roll_back_now
from signoff.releases.actions.moves import stay
from signoff.releases.planning import plan_rollback, writes_undone_by
from signoff.releases.queries import drills_page
from signoff.releases.refusals import NothingToRollBackTo, OutsideRollbackWindow, RepinRefused
from signoff.runs.actions import request_run
from signoff.tables.approvals import Approval
from signoff.tables.connections import Tool
from signoff.tables.deployments import Deployment
from signoff.tables.people import Environment
from signoff.tables.releases import Release
from signoff.tables.runs import Effect, Run, Step
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import body, connection, person, tool
from tests.rooms.releases.kit_releases import BLOCKER, CANARY, SHADOW, Says, World, world


def back(at: World, **more: Any) -> str:
    values: dict[str, Any] = {"environment": "production", "reason": "it is wrong", **more}
    who = values.pop("who", at.ann)
    with at.store.write() as session:
        return roll_back(session, who, at.agent_id, **values)


def started(at: World, **changes: Any) -> str:
    """A run in production, moved to a state as if the engine had."""
    with at.store.write() as session:
        made = request_run(session, at.ann, agent=at.agent_id, input={"text": "x"})
        run = session.get_one(Run, made.id)
        for name, value in changes.items():
            setattr(run, name, value)
        return made.id


def run(at: World, run_id: str) -> Run:
    with at.store.read() as session:
        return session.get_one(Run, run_id)


def test_going_back_skips_steps_and_evidence(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    bad = at.ask(2)
    Says(monkeypatch, "critical", BLOCKER)
    made = back(at)
    seen = at.detail(made)
    assert (at.live(), seen.facts.state, seen.facts.is_rollback, seen.facts.rolls_back_id) == (1, "settled", True, bad)
    assert (at.state(bad), at.detail(bad).facts.code) == ("rolled_back", "rolled_back")
    assert at.row().release_id == made


def test_what_was_itself_taken_back_is_not_gone_back_to_unless_named(store: Store):
    at = world(store)
    at.ask(2)
    back(at)
    at.ask(3)
    back(at)
    assert at.live() == 1  # Not 2, which was rolled back.
    with pytest.raises(NothingToRollBackTo, match="Name one"):
        back(at)
    back(at, to_revision=2)
    assert at.live() == 2


def test_only_the_last_three_that_served_are_gone_back_to(store: Store):
    at = world(store, 5)
    for number in (2, 3, 4, 5):
        at.ask(number)
    with pytest.raises(OutsideRollbackWindow) as refused:
        back(at, to_revision=1)
    assert refused.value.extra["numbers"] == [4, 3, 2]
    back(at, to_revision=2)
    assert at.live() == 2


def test_where_nothing_served_before_there_is_no_way_back(store: Store):
    at = world(store)
    with pytest.raises(NothingToRollBackTo):
        back(at)
    with pytest.raises(NotAllowed):
        back(at, who=person(store, at.at, "Vic", "viewer"))
    assert at.count() == 0


def test_going_back_takes_a_canary_away(store: Store):
    at = world(store)
    made = at.ask(2, CANARY)
    assert back(at) == made
    assert (at.state(made), at.live(), at.row().candidate_release_id) == ("rolled_back", 1, None)


def test_going_back_from_what_serves_ends_what_was_compared_with_it(store: Store):
    at = world(store)
    at.ask(2)
    canary = at.ask(3, CANARY)
    back(at, to_revision=1)
    assert (at.live(), at.state(canary), at.row().candidate_release_id) == (1, "aborted", None)


def test_safety_is_asked_also_on_the_way_back(store: Store):
    at = world(store, 1)
    pay = tool("write")
    with store.write() as session:
        connection(session, at.at, "staging", "erp", {"pay": tool("write")})
        connection(session, at.at, "production", "erp", {"pay": pay})
    for number, slots in enumerate(([{"slot": "erp", "allow": [{"tool": "pay"}]}], []), start=2):
        with store.write() as session:
            save_draft(session, at.ann, at.agent_id, body=body(tools=slots), version=number - 1)
            freeze_and_serve_first(session, at.ann, at.agent_id, reason="other tools")
        at.ask(number)
    with store.write() as session:
        session.get_one(Tool, pay.id).effect = "irreversible"
    made = back(at)
    assert (at.code(made), at.live()) == ("gate_missing", 3)


def test_of_two_at_once_one_goes_back_and_the_other_is_told(store: Store):
    at = world(store)
    at.ask(2)
    at.ask(3)
    start = threading.Barrier(2)
    refusals: list[Refusal] = []
    with store.read() as session:
        first = session.query(Deployment).count()

    def attempt() -> None:
        start.wait()
        try:
            roll_back_now(store, at.ann, at.agent_id, environment="production", reason="bad", to_revision=2)
        except Refusal as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert at.live() == 2
    with store.read() as session:
        assert session.query(Deployment).count() == first + 1
    assert len(refusals) == 1
    with pytest.raises(LiveChanged):
        back(at, expected=at.revisions[2])


def test_the_plan_tells_what_is_in_flight_and_what_was_done(store: Store):
    at = world(store)
    at.ask(2)
    started(at)
    waits = started(at, state="waiting", waiting_for="approval")
    started(at, state="waiting", waiting_for="window")
    declared, silent = tool("write"), tool("send")
    declared.definition = {**declared.definition, "annotations": {"compensatedBy": "unpost"}}
    with store.write() as session:
        con = connection(session, at.at, "production", "erp", {"post": declared, "mail": silent})
        place = session.get_one(Environment, at.at.environments["production"])
        for number, name in enumerate(("erp.post", "erp.mail", "erp.look")):
            session.add(Effect(
                key=f"{waits}:{number}", workspace_id=at.at.workspace_id, run_id=waits, connection_id=con,
                call_id=str(number), tool=name, effect="read" if name == "erp.look" else "write", args={"n": number},
                args_hash="x", state="done", result=None,
                intended_at=clock.now() + timedelta(seconds=number),
            ))  # fmt: skip
        session.add(_approval(at, waits, place.id))
    with store.read() as session:
        plan = plan_rollback(session, at.ann, at.agent_id, "production")
    flight = plan.in_flight
    assert (flight.queued, flight.running, flight.waiting, flight.deferred, flight.approvals) == (1, 0, 2, 1, 1)
    assert plan.target is not None
    assert (plan.from_number, plan.target.number, plan.writes_total) == (2, 1, 2)
    assert [(one.tool, one.compensation) for one in plan.writes] == [("erp.mail", None), ("erp.post", "unpost")]
    made = back(at)
    with store.read() as session:
        writes, total = writes_undone_by(session, at.ann, made)
    assert (total, [one.tool for one in writes]) == (2, ["erp.mail", "erp.post"])


def test_what_has_retired_is_not_proposed(store: Store):
    at = world(store, 3)
    at.ask(2)
    at.ask(3)
    with store.write() as session:
        retire_revision(session, at.ann, at.agent_id, 2, reason="It posts twice.")
    with store.read() as session:
        plan = plan_rollback(session, at.ann, at.agent_id, "production")
    assert plan.target is not None
    assert plan.target.number == 1
    back(at)
    with store.read() as session:
        assert plan_rollback(session, at.ann, at.agent_id, "production").from_number == 1


def _approval(at: World, run_id: str, environment_id: str) -> Approval:
    return Approval(
        id="apr_1", workspace_id=at.at.workspace_id, environment_id=environment_id, agent_id=at.agent_id,
        revision_id=at.revisions[1], run_id=run_id, leg=1, call_id="c", agent_name="A", revision_number=2,
        run_requested_by=at.ann.id, kind="approval", state="pending", gate="g", asked_by_policy="gate", why="w",
        args={}, binding="0" * 64, title="t", summary="s", card={}, rule={}, decision={}, quorum=1,
        created_at=clock.now(),
    )  # fmt: skip


def test_runs_under_way_drain_stop_or_go_on_elsewhere(store: Store):
    at = world(store)
    at.ask(2)
    queued = started(at)
    back(at)
    assert (run(at, queued).state, run(at, queued).revision_number) == ("queued", 2)  # It finishes on its own.
    at.ask(3)
    queued, waiting = started(at), started(at, state="waiting", waiting_for="question")
    back(at, in_flight="stop")
    assert [run(at, one).state for one in (queued, waiting)] == ["cancelled", "cancelled"]
    at.ask(4)
    queued, waiting = started(at), started(at, state="waiting", waiting_for="question")
    made = back(at, in_flight="repin")
    assert [run(at, one).revision_number for one in (queued, waiting)] == [4, 1]
    assert at.detail(made).timeline[-1].detail == {"repinned": [waiting], "left": {}}


def test_a_waiting_run_goes_on_elsewhere_only_where_it_can(store: Store):
    at = world(store)
    at.ask(2)
    waiting, queued = started(at, state="waiting", waiting_for="question"), started(at)
    with store.write() as session:
        session.add(Step(
            id="stp_1", workspace_id=at.at.workspace_id, run_id=waiting, leg=1, seq=1, key="k", kind="tool",
            name="erp.post", state="done", verdicts=[], request={}, response={}, detail={}, started_at=clock.now(),
        ))  # fmt: skip
    with pytest.raises(RepinRefused, match=r"may not use what the run has used: erp\.post") as refused:
        _repin(at, waiting, 1)
    assert (refused.value.status, len(refused.value.extra["reasons"])) == (409, 1)
    with pytest.raises(RepinRefused, match="only a run that waits"):
        _repin(at, queued, 1)
    with pytest.raises(RepinRefused, match="neither serves"):
        _repin(at, queued, 4)
    with store.write() as session:
        session.delete(session.get_one(Step, "stp_1"))
    _repin(at, waiting, 1)
    assert (run(at, waiting).revision_number, run(at, waiting).variant) == (1, "pinned")
    with pytest.raises(NotAllowed):
        _repin(at, waiting, 2, person(store, at.at, "Vic", "viewer"))


def _repin(at: World, run_id: str, revision: int, who: Any = None) -> None:
    with at.store.write() as session:
        repin_run(session, who or at.ann, run_id, revision=revision, reason="it can")


def test_a_drill_in_production_changes_nothing_and_is_measured(store: Store):
    at = world(store)
    with pytest.raises(NothingToRollBackTo):
        drill_for_real(store, at.ann, at.agent_id, environment="production")
    served = at.ask(2)
    drill_for_real(store, at.ann, at.agent_id, environment="production")
    with store.read() as session:
        found = drills_page(session, at.ann, at.agent_id).rows
        assert session.query(Deployment).count() == 1
    assert [(one.kind, one.is_passed) for one in found] == [("rehearsed", True)]
    assert (at.live(), at.row().release_id, at.state(served)) == (2, served, "watching")


def test_a_drill_elsewhere_is_real_there_and_back(store: Store):
    at = world(store)
    served = at.ask(2, environment="staging")
    drill_for_real(store, at.ann, at.agent_id, environment="staging")
    with store.read() as session:
        found = drills_page(session, at.ann, at.agent_id, environment="staging").rows
        assert [one.reason for one in session.query(Deployment).order_by(Deployment.id)][1:] == ["A rollback drill"] * 2
    assert [(one.kind, one.is_passed) for one in found] == [("real", True)]
    assert (at.live("staging"), at.row("staging").release_id) == (2, served)
    back(at, environment="staging")
    assert at.live("staging") == 1


def test_a_run_keeps_its_revision_across_a_release(store: Store):
    at = world(store)
    queued, waiting = started(at), started(at, state="waiting", waiting_for="approval")
    at.ask(2)
    assert [run(at, one).revision_number for one in (queued, waiting)] == [1, 1]
    new = run(at, started(at))
    assert (new.revision_number, new.variant, new.release_id) == (2, "live", at.row().release_id)


@pytest.mark.parametrize("way", ["canary", "shadow"])
def test_going_back_and_calling_off_never_lose_to_a_look_of_the_engine(store: Store, way: str):
    at = world(store, 3)
    at.ask(2)
    for number in range(6):
        rival = at.ask(3, CANARY if way == "canary" else SHADOW)
        start, done, told = threading.Barrier(2), threading.Event(), list[Refusal]()

        def look(rival: str = rival, start: threading.Barrier = start, done: threading.Event = done) -> None:
            start.wait()
            while not done.is_set():
                try:
                    with store.write() as session:
                        made = session.get_one(Release, rival)
                        stay(session, made, verdict_at=clock.now())
                except Refusal:
                    return  # It is over.

        looker = threading.Thread(target=look)
        looker.start()
        start.wait()
        try:
            if number % 2 or way == "shadow":
                with store.write() as session:
                    abort_release(session, at.ann, rival, reason="never mind")
            else:
                back(at)
        except Refusal as refusal:
            told.append(refusal)
        done.set()
        looker.join()
        assert told == []
        assert at.state(rival) in ("rolled_back", "aborted")
        assert at.live() == 2
