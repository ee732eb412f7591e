"""At most so many calls: never one more, and none counted that was not made."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from signoff.gateways.tool.caps import forget_counts
from signoff.gateways.tool.gateway import act
from signoff.kit import clock
from signoff.runs.facts import RunContext
from signoff.tables.runs import Run
from tests.gateways.kit_world import World
from tests.gateways.tool.kit_rules import capped, counts, done, it_is, killed, places

MONDAY = "2026-03-30T10:00:00+00:00"


async def test_the_call_after_the_last_one_is_refused_in_these_words(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    at = capped(world, 2)
    with caplog.at_level(logging.INFO, logger="signoff.gateways.tool.gateway"):
        outcomes = [await done(at, "post_bill", number, amount=number) for number in (1, 2, 3)]
    assert [outcome.kind for outcome in outcomes] == ["value", "value", "failed"]
    words = "Volume cap active — 2 records processed."
    step = world.step(world.call(number=3).key)
    assert (outcomes[2].reason, outcomes[2].code, step.reason, step.state) == (words, "volume_cap", words, "refused")
    assert words in [record.getMessage() for record in caplog.records]
    assert (step.detail["evidence"]["most"], step.detail["evidence"]["count"]) == (2, 2)
    assert (len(world.link.sent), counts(world)) == (2, [2])
    # Reading is no record processed.
    assert (await done(at, "look_up", 4)).kind == "value"


async def test_many_calls_at_once_never_pass_a_cap(world: World) -> None:
    at = capped(world, 10)
    runs = [at, *[at.another_run() for _ in range(24)]]
    world.change(lambda session: session.execute(update(Run).values(origin="production")))
    outcomes = await asyncio.gather(
        *(act(one.services, one.run, one.call("post_bill", number, amount=number)) for one in runs for number in (1, 2))
    )
    assert sum(outcome.kind == "value" for outcome in outcomes) == 10
    assert {outcome.code for outcome in outcomes if outcome.kind != "value"} == {"volume_cap"}
    assert (len(world.link.sent), counts(world), places(world)) == (10, [10], 10)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("per", "later"), [("minute", 60), ("hour", 3_600), ("day", 86_400), ("week", 7 * 86_400), ("run", None)]
)
async def test_a_count_begins_anew_with_its_period(
    world: World, monkeypatch: pytest.MonkeyPatch, per: str, later: int | None
) -> None:
    at = capped(world, 1, per)
    it_is(monkeypatch, MONDAY)
    assert [(await done(at, "post_bill", number, amount=number)).kind for number in (1, 2)] == ["value", "failed"]
    moment = clock.now() + timedelta(seconds=later or 400 * 86_400)
    monkeypatch.setattr(clock, "now", lambda: moment)
    again = await done(at if later else at.another_run(), "post_bill", 3)
    assert again.kind == "value"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_each_run_has_its_own_count_and_the_day_one_for_all(world: World) -> None:
    at = capped(world, 1, "run")
    other = at.another_run()
    assert [(await done(one, "post_bill", 1)).kind for one in (at, other)] == ["value", "value"]
    daily = capped(world, 1, "day")
    assert (await done(daily, "post_bill", 5)).kind == "value"
    world.change(lambda session: session.execute(update(Run).values(origin="production")))
    assert (await done(capped(daily.another_run(), 1, "day"), "post_bill", 5)).code == "volume_cap"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_after_its_last_day_a_cap_is_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at = capped(world, 0, until="2026-03-30")
    it_is(monkeypatch, "2026-03-30T23:59:59+00:00")
    assert (await done(at, "post_bill", 1)).reason == "Volume cap active — 0 records processed."
    it_is(monkeypatch, "2026-03-31T00:00:00+00:00")
    assert (await done(at, "post_bill", 2)).kind == "value"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_cap_holds_for_what_it_names(world: World) -> None:
    at = capped(world, 1, tools=["erp.look_up"])
    assert [(await done(at, "look_up", number, amount=number)).kind for number in (1, 2)] == ["value", "failed"]
    assert (await done(at, "post_bill", 3)).kind == "value"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_tests_and_rehearsals_do_not_use_what_production_has(world: World) -> None:
    at = capped(world, 1)
    rehearsal = at.with_mode("sandbox")
    assert [(await done(rehearsal, "post_bill", number, amount=number)).kind for number in (1, 2)] == [
        "value",
        "failed",
    ]
    world.change(lambda session: session.execute(update(Run).values(origin="test")))
    assert [(await done(at, "post_bill", number, amount=number)).kind for number in (3, 4)] == ["value", "failed"]
    world.change(lambda session: session.execute(update(Run).values(origin="production")))
    assert [(await done(at, "post_bill", number, amount=number)).kind for number in (5, 6)] == ["value", "failed"]
    assert len(world.link.sent) == 2


async def test_a_step_that_begins_again_after_a_crash_counts_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = capped(world, 2)

    await killed(at, monkeypatch, "set_status", 1)
    await killed(at, monkeypatch, "post_bill", 2)
    # One may be repeated and is, with the place it has; of the other nobody knows, and it keeps its place.
    assert (await done(at, "set_status", 1)).kind == "value"
    assert (await done(at, "post_bill", 2)).kind == "held"
    assert (counts(world), places(world)) == ([2], 2)
    assert (await done(at, "set_status", 3, amount=3)).code == "volume_cap"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_of_two_caps_each_must_have_a_place(world: World) -> None:
    rules = {"caps": [{"most": 5, "per": "day"}, {"most": 1, "per": "run"}, {"most": 3, "per": "day"}], "flow": "off"}
    at = capped(world, 1).with_body(rules=rules)
    assert [(await done(at, "post_bill", number, amount=number)).kind for number in (1, 2)] == ["value", "failed"]
    assert sorted(counts(world)) == [1, 1]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_counts_are_forgotten_long_after_their_period(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at = capped(world, 1, "minute")
    await done(at, "post_bill", 1)
    world.change(forget_counts)
    assert places(world) == 1
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    world.change(forget_counts)
    assert (counts(world), places(world)) == ([], 0)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_an_agent_without_rules_asks_the_database_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any, **__: Any) -> Any:
        raise AssertionError("the rules were asked for")

    for name in ("caps._held", "caps._used", "preconditions._earlier", "trail._calls"):
        monkeypatch.setattr(f"signoff.gateways.tool.{name}", asked)
    assert isinstance(world.run, RunContext)
    assert (await done(world, "post_bill", 1)).kind == "value"
