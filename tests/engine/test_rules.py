"""Windows and caps in whole runs: put off and made once, never one call too many, whatever is killed when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from signoff.engine.sweeps import Sweeps
from signoff.engine.workflows import Engine
from signoff.kit import clock
from signoff.runs import actions, stuck
from signoff.tables.caps import CapCounter
from signoff.tables.people import Workspace
from signoff.tables.runs import Run, Step
from signoff.tables.session import Store
from tests.engine import driver
from tests.engine.conftest import Bench
from tests.engine.kit_engine import House, Ledger, agent, house, services_for, turns
from tests.engine.kit_processes import Processes, until
from tests.engine.test_killed import KILLED, settle_all, state_of

OFFICE: dict[str, Any] = {"windows": [{"zone": "Europe/Berlin", "effects": ["write"]}]}
EVENING, BEFORE, MORNING = (
    datetime(2026, 3, 27, 17, 1, tzinfo=UTC), datetime(2026, 3, 30, 5, 59, tzinfo=UTC),
    datetime(2026, 3, 30, 6, 0, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Let the clock go on from another moment."""

    def to(moment: datetime) -> None:
        ahead = moment - datetime.now(UTC)
        monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + ahead)

    return to


async def swept(bench: Bench) -> None:
    await Sweeps(Engine(services_for(bench.settings, bench.store, bench.ledger))).sweep()


async def test_a_call_outside_its_hours_is_put_off_over_a_change_of_the_clock_and_made_once(
    bench: Bench, set_clock: Callable[[datetime], None]
):
    set_clock(EVENING)
    at = bench.house(turns([("look", {"n": 1}), ("post", {"n": 2})], "Posted."), rules=OFFICE)
    run_id = bench.request(at)
    run = await bench.waiting(run_id)
    assert (run.waiting_for, run.code, run.resume_at, run.needs_attention) == (
        "window",
        "outside_window",
        MORNING,
        False,
    )
    assert bench.ledger.calls() == [("look", {"n": 1})]
    set_clock(BEFORE)
    await swept(bench)
    assert bench.run(run_id).state == "waiting"
    set_clock(MORNING)
    await swept(bench)
    run = await bench.over(run_id)
    assert (run.state, run.output, run.resume_at) == ("completed", "Posted.", None)
    assert bench.ledger.calls() == [("look", {"n": 1}), ("post", {"n": 2})]
    assert [effect.state for effect in bench.effects(run_id)] == ["done"]


async def test_a_run_that_is_cancelled_while_it_is_put_off_never_acts(
    bench: Bench, set_clock: Callable[[datetime], None]
):
    set_clock(EVENING)
    at = bench.house(turns([("post", {"n": 2})], "Posted."), rules=OFFICE)
    run_id = bench.request(at)
    await bench.waiting(run_id)
    with bench.store.write() as session:
        assert actions.cancel_run(session, at.who, run_id) == "cancelled"
    set_clock(MORNING + timedelta(hours=1))
    await swept(bench)
    other = bench.request(at, "Another.")
    assert (await bench.over(other)).state == "completed"
    assert bench.run(run_id).state == "cancelled"
    assert [key.split(":")[0] for key, *_ in bench.ledger.writes()] == [other]


async def test_what_waits_for_its_hours_is_put_off_again_when_they_are_over(
    bench: Bench, set_clock: Callable[[datetime], None]
):
    set_clock(EVENING)
    at = bench.house(turns([("post", {"n": 2})], "Posted."), rules=OFFICE)
    run_id = bench.request(at)
    await bench.waiting(run_id)
    # Nobody was there all Monday long.
    set_clock(MORNING + timedelta(hours=12))
    await swept(bench)
    run = await bench.until(run_id, lambda run: run.waiting_for == "window" and run.leg == 2, "the next wait")
    assert (run.resume_at, bench.ledger.calls()) == (MORNING + timedelta(days=1), [])


async def test_a_circle_ends_the_run_and_the_model_was_told_before(bench: Bench):
    told: list[str] = []

    def again(messages: list[Any], info: Any) -> Any:
        told.extend(str(part.content) for part in messages[-1].parts if part.part_kind == "tool-return")
        return turns([("look", {"n": 1})])(messages, info)

    run = await bench.over(bench.request(bench.house(again, gates=[])))
    assert (run.state, run.code, len(bench.ledger.calls())) == ("failed", "loop", 2)
    assert any("Use what you know already" in words for words in told)


def closed_and_open() -> tuple[str, str]:
    """Two zones: in one it is the afternoon now, in the other it is the morning. Their names have the sign reversed."""

    def zone(hour: int) -> str:
        ahead = (hour - datetime.now(UTC).hour + 12) % 24 - 12
        return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"

    return zone(17), zone(5)


def put_off(store: Store, processes: Processes, shape: str) -> tuple[House, str]:
    """A run whose writes were put off, because it is afternoon; it is morning now."""
    afternoon, morning = closed_and_open()
    at = house(store, "unused")
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    agent(store, at, shape, slug=shape, rules={"windows": [{"days": days, "opens": "00:00", "closes": "12:00"}]})
    with store.write() as session:
        session.execute(update(Workspace).values(time_zone=afternoon))
        run_id = actions.request_run(session, at.who, agent=shape, input="Please.").id
    assert processes.ended(processes.start()) == 0
    run = state_of(store, run_id)
    assert (run.state, run.waiting_for) == ("waiting", "window")
    with store.write() as session:
        session.execute(update(Workspace).values(time_zone=morning))
        session.execute(update(Run).values(resume_at=clock.now()))
    resume(store)
    return at, run_id


def resume(store: Store) -> None:
    """Do what every sweep does."""
    with store.read() as session:
        due = stuck.due_to_resume(session)
    for run_id, leg, waiting_for in due:
        with store.write() as session:
            actions.resume_run(session, run_id, leg=leg, waiting_for=waiting_for)


@pytest.mark.parametrize(
    "fault",
    [
        "claimed:1", "intent-journaled:1", "intent-journaled:2", "tool-sent:1", "tool-answered-not-journaled:1",
        "journaled:1", "before-complete:1", "completed-not-acked:1",
    ],
)  # fmt: skip
def test_calls_that_were_put_off_are_made_once_whatever_is_killed(store: Store, processes: Processes, fault: str):
    ledger = Ledger(processes.ledger)
    at, run_id = put_off(store, processes, "parallel")
    assert [tool for tool, _ in ledger.calls()] == ["look", "look"]
    assert processes.ended(processes.start(fault=fault)) == KILLED
    assert processes.ended(processes.start()) == 0
    if state_of(store, run_id).waiting_for == "reconciliation":
        settle_all(store, at, run_id, ledger)
        assert processes.ended(processes.start()) == 0
    run = state_of(store, run_id)
    assert (run.state, run.output, run.reason) == ("completed", "All four done.", None)
    assert Counter(str(args) for _, _, args in ledger.writes()) == {"{'n': 2}": 1, "{'n': 4}": 1}


CAPPED: dict[str, Any] = {"caps": [{"most": 1, "per": "day", "tools": ["erp.post"]}]}
WORDS = "Volume cap active — {} records processed."


def refusals(store: Store, words: str) -> int:
    with store.read() as session:
        return session.scalars(select(func.count()).select_from(Step).where(Step.reason == words)).one()


def used(store: Store) -> int:
    with store.read() as session:
        return session.scalars(select(CapCounter.used)).one()


@pytest.mark.parametrize(
    "fault",
    [
        "llm-answered-not-journaled:1", "intent-journaled:1", "tool-sent:1", "tool-answered-not-journaled:1",
        "journaled:1", "before-complete:1",
    ],
)  # fmt: skip
def test_a_cap_counts_once_and_holds_whatever_is_killed(store: Store, processes: Processes, fault: str):
    ledger = Ledger(processes.ledger)
    at = house(store, "unused")
    agent(store, at, "parallel", slug="parallel", rules=CAPPED)
    with store.write() as session:
        run_id = actions.request_run(session, at.who, agent="parallel", input="Please.").id
    assert processes.ended(processes.start(fault=fault)) == KILLED
    assert processes.ended(processes.start()) == 0
    if state_of(store, run_id).waiting_for == "reconciliation":
        settle_all(store, at, run_id, ledger)
        assert processes.ended(processes.start()) == 0
    assert state_of(store, run_id).state == "completed"
    # Of two calls at once, either may have come first.
    assert (len(ledger.writes()), used(store), refusals(store, WORDS.format(1))) == (1, 1, 1)


def test_fifty_runs_race_for_a_cap_of_ten_while_a_worker_dies(store: Store, processes: Processes):
    ledger = Ledger(processes.ledger)
    at = house(store, "unused")
    agent(store, at, "safe", slug="safe", rules={"caps": [{"most": 10, "per": "week"}]})
    with store.write() as session:
        ids = [actions.request_run(session, at.who, agent="safe", input=f"Number {n}").id for n in range(50)]
    first, second = processes.start(lease_seconds=2.0), processes.start(until="stopped", lease_seconds=2.0)
    until(lambda: len(ledger.writes()) >= 3, "some work to be done")
    first.kill()
    processes.ended(first)

    def states() -> Counter[str]:
        with store.read() as session:
            return Counter(session.scalars(select(Run.state).where(Run.id.in_(ids))))

    for number in range(5, 51, 5):
        until(lambda wanted=number: states()["completed"] + states()["failed"] >= wanted, f"{number} runs to end")
    assert states() == {"completed": 50}
    assert second.pid is not None
    second.terminate()
    assert processes.ended(second) == 0
    # What may be repeated is, after a crash; so records are counted, not requests.
    assert len({key for key, *_ in ledger.writes()}) == 10
    assert (used(store), refusals(store, WORDS.format(10))) == (10, 40)
    assert driver.SHAPES["safe"][0] == [("post_safe", {"n": 1})]
