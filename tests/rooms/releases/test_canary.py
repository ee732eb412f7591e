"""Canaries that decide by what they see: a bad one goes back by itself, an equal one goes on, by its steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.engine.releasing import look_at_releases
from signoff.kit import clock, ids
from signoff.releases.alarms import SPLIT_BROKEN
from signoff.releases.blocks import coarse
from signoff.releases.comparison import compare, comparison_of
from signoff.runs.actions import request_run
from signoff.tables.releases import ReleaseEvent
from signoff.tables.runs import Run, Step
from signoff.tables.session import Store
from signoff.tables.signals import Leak
from signoff.watch.queries import open_alerts
from tests.rooms.releases.kit_canary import MINUTE, Canary, begun

STEPS: dict[str, Any] = {
    "canary": {
        "steps": [
            {"share_percent": 25, "minutes": 10, "min_runs": 20},
            {"share_percent": 50, "minutes": 10, "min_runs": 20},
        ]
    }
}


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], datetime]:
    """Let the product take a moment for now."""

    def pass_to(moment: datetime) -> datetime:
        monkeypatch.setattr(clock, "now", lambda: moment)
        return moment

    return pass_to


Time = Callable[[datetime], datetime]


async def through(time: Time, at: Canary, minutes: range, runs: int, **rates: float) -> list[str]:
    """Let minutes pass with traffic, the engine looking after each. Returns the release's states."""
    states: list[str] = []
    for minute in minutes:
        at.traffic(minute, runs, live=rates["live"], candidate=rates["candidate"])
        await look_at_releases(at.store, time(at.began + (minute + 1) * MINUTE + timedelta(seconds=15)))
        states.append(at.release().state)
        if states[-1] != "canary":
            break
    return states


def kinds(at: Canary) -> list[str]:
    with at.store.read() as session:
        return list(
            session.scalars(
                select(ReleaseEvent.kind).where(ReleaseEvent.release_id == at.release_id).order_by(ReleaseEvent.seq)
            )
        )


def alerts(at: Canary) -> list[str]:
    with at.store.read() as session:
        return [one.kind for one in open_alerts(session, at.ann)]


async def test_a_worse_candidate_goes_back_by_itself_and_people_are_told(store: Store, time: Time):
    at = begun(store, STEPS)
    assert (at.row().share, at.release().state) == (2_500, "canary")
    states = await through(time, at, range(10), 40, live=0.02, candidate=0.4)
    assert states[-1] == "rolled_back"
    assert len(states) < 10
    made, row = at.release(), at.row()
    assert (made.code, made.verdict) == ("worse", "worse")
    assert "errors" in (made.ended_reason or "")
    assert (row.revision_id, row.candidate_release_id, row.share) == (at.revisions[0], None, 0)
    assert alerts(at) == ["release_rolled_back"]
    with store.write() as session:
        asked = request_run(session, at.ann, agent=at.at.agent_id, input={})
        assert session.get_one(Run, asked.id).variant == "live"


async def test_an_equal_candidate_goes_on_by_its_steps_and_is_never_rolled_back(store: Store, time: Time):
    at = begun(store, STEPS)
    states = await through(time, at, range(9), 30, live=0.05, candidate=0.05)
    assert set(states) == {"canary"}
    assert (at.release().step, at.row().share) == (0, 2_500)
    assert set(await through(time, at, range(9, 11), 30, live=0.05, candidate=0.05)) == {"canary"}
    assert (at.release().step, at.row().share) == (1, 5_000)
    assert "step" in kinds(at)
    assert alerts(at) == []


async def test_a_step_waits_for_its_runs(store: Store, time: Time):
    at = begun(store, STEPS)
    assert set(await through(time, at, range(13), 2, live=0, candidate=0)) == {"canary"}
    assert at.release().step == 0
    assert set(await through(time, at, range(13, 16), 40, live=0, candidate=0)) == {"canary"}
    assert at.release().step == 1


async def test_what_is_known_to_be_the_same_goes_live_and_what_is_not_waits_for_a_person(store: Store, time: Time):
    at = begun(store, {"canary": {"steps": [{"share_percent": 50, "minutes": 5}]}})
    states = await through(time, at, range(8), 10, live=0.1, candidate=0.1)
    assert set(states) == {"canary"}
    assert alerts(at) == ["release_undecided"]
    assert "undecided" in kinds(at)


async def test_a_forbidden_call_goes_back_at_once_unless_what_serves_does_the_same(store: Store, time: Time):
    at = begun(store, STEPS)
    await through(time, at, range(2), 10, live=0, candidate=0)

    def tried(variant: str, release_id: str | None, tool: str) -> None:
        with store.write() as session:
            run_id = at.ended(session, at.began + 3 * MINUTE, at.revisions[1], variant, release_id)
            session.add(
                Step(
                    id=ids.new_id("stp"), workspace_id=at.at.workspace_id, run_id=run_id, leg=1, seq=1,
                    key=f"{run_id}:1", kind="tool", name=tool, state="refused", code="not_granted", verdicts=[],
                    request={}, response={}, detail={}, started_at=at.began,
                )
            )  # fmt: skip

    tried("candidate", at.release_id, "erp.look")
    tried("live", None, "erp.look")
    await look_at_releases(store, time(at.began + 4 * MINUTE))
    assert at.release().state == "canary"
    tried("candidate", at.release_id, "erp.pay")
    await look_at_releases(store, time(at.began + 6 * MINUTE))
    assert (at.release().state, at.release().code) == ("rolled_back", "invariant_broken")
    assert "forbidden" in (at.release().ended_reason or "")


async def test_a_leaked_secret_goes_back_at_once_unless_what_serves_leaks_it_too(store: Store, time: Time):
    at = begun(store, STEPS)
    await through(time, at, range(2), 10, live=0, candidate=0)

    def caught(variant: str, release_id: str | None, place: str, secret: str, state: str = "completed") -> None:
        with store.write() as session:
            run_id = at.ended(session, at.began + 3 * MINUTE, at.revisions[1], variant, release_id)
            session.execute(update(Run).where(Run.id == run_id).values(state=state))
            session.add(
                Leak(
                    run_id=run_id, place=place, what="erp.look", secret=secret, workspace_id=at.at.workspace_id,
                    agent_id=at.at.agent_id, environment_id=at.at.environment_id, step_key="t:1",
                    at=at.began + 3 * MINUTE,
                )
            )  # fmt: skip

    caught("candidate", at.release_id, "result", "ERP")
    caught("live", None, "result", "ERP")
    caught("pinned", at.release_id, "prompt", "ERP")
    await look_at_releases(store, time(at.began + 4 * MINUTE))
    assert at.release().state == "canary"
    caught("candidate", at.release_id, "prompt", "ERP", state="running")
    await look_at_releases(store, time(at.began + 6 * MINUTE))
    assert (at.release().state, at.release().code) == ("rolled_back", "invariant_broken")
    assert "secret" in (at.release().ended_reason or "")


async def test_tests_and_rehearsals_and_what_was_called_off_are_not_compared(store: Store):
    at = begun(store, STEPS)
    with store.write() as session:
        for facts in ({"origin": "test"}, {"mode": "sandbox"}, {"status": "cancelled"}):
            at.ended(session, at.began + MINUTE, at.revisions[1], "candidate", at.release_id, **facts)
        at.ended(session, at.began + MINUTE, at.revisions[1], "pinned", None)
        at.ended(session, at.began + MINUTE, at.revisions[1], "candidate", at.release_id, is_error=True)
        at.ended(session, at.began + MINUTE, at.revisions[0], "live", None)
        found = compare(session, at.release(), at.began + 10 * MINUTE)
    assert (found.candidate_runs, found.live_runs, found.runs_in_step) == (1, 1, 1)
    assert {one.name: one.candidate_value for one in found.metrics if one.kind == "rate"} == {
        "errors": 1, "needs input": 0, "denials": 0,
    }  # fmt: skip


async def test_a_stretch_of_time_is_compared_once_it_is_over(store: Store):
    at = begun(store, STEPS)
    at.traffic(0, 20, live=0, candidate=0)
    with store.read() as session:
        early = compare(session, at.release(), at.began + timedelta(seconds=59))
        late = compare(session, at.release(), at.began + timedelta(seconds=75))
    assert (early.candidate_runs, early.live_runs) == (0, 0)
    assert late.candidate_runs + late.live_runs == 20


def test_blocks_grow_once_there_are_many_and_never_change_their_place():
    assert [coarse(index) for index in (0, 99, 100, 109, 110, 1_099, 1_100)] == [
        (0, 1), (99, 100), (100, 110), (100, 110), (101, 120), (199, 1_100), (200, 1_200),
    ]  # fmt: skip


async def test_a_broken_split_is_told_and_decides_nothing(store: Store, time: Time):
    at = begun(store, STEPS)
    with store.write() as session:
        for number in range(200):
            at.ended(session, at.began + MINUTE, at.revisions[1], "candidate", at.release_id, key=f"k{number}")
            at.ended(session, at.began + MINUTE, at.revisions[0], "live", None, key="everybody")
    await look_at_releases(store, time(at.began + 3 * MINUTE))
    assert at.release().state == "canary"
    assert alerts(at) == [SPLIT_BROKEN]
    with store.read() as session:
        found = comparison_of(session, at.ann, at.release_id)
    assert found.split is not None
    assert found.split.is_broken
    assert "200 of 201 keys" in found.split.reason


async def test_keys_stay_and_their_share_is_what_was_wanted(store: Store):
    at = begun(store, STEPS)
    number, seen = 300, dict[str, str]()
    for _ in range(2):
        for key in (f"case-{one}" for one in range(number)):
            with store.write() as session:
                asked = request_run(session, at.ann, agent=at.at.agent_id, input={}, sticky_key=key)
                run = session.get_one(Run, asked.id)
            assert seen.setdefault(key, run.variant or "") == run.variant
    got = sum(variant == "candidate" for variant in seen.values())
    # Four standard deviations around a quarter; which keys they are follows from the release's salt.
    assert abs(got - number / 4) <= 4 * math.sqrt(number * 0.25 * 0.75)
    with store.write() as session:
        pinned = request_run(session, at.ann, agent=at.at.agent_id, input={}, sticky_key="case-1", revision=2)
        assert session.get_one(Run, pinned.id).variant == "pinned"
        found = compare(session, at.release(), clock.now())
    assert found.split is not None
    assert not found.split.is_broken


async def test_what_does_badly_once_it_serves_goes_back_too(store: Store, time: Time):
    at = begun(store, {"watch_minutes": 60})
    assert at.release().state == "watching"
    with store.write() as session:
        for number in range(60):
            at.ended(
                session, at.began - (number + 1) * MINUTE, at.revisions[0], "live", None, is_error=number % 30 == 0
            )
        for number in range(60):
            at.ended(session, at.began + number * timedelta(seconds=2), at.revisions[1], "live", at.release_id,
                     is_error=number % 2 == 0)  # fmt: skip
    await look_at_releases(store, time(at.began + 3 * MINUTE))
    assert at.release().state == "rolled_back"
    assert at.row().revision_id == at.revisions[0]
    assert "release_rolled_back" in alerts(at)
