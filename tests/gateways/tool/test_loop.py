"""Going in a circle: the model is told first, then the run ends, with the calls as evidence."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from signoff.tables.approvals import Approval
from tests.gateways.kit_world import World
from tests.gateways.tool.kit_people import agreed, gated
from tests.gateways.tool.kit_rules import done

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def remark(world: World, number: int) -> str | None:
    verdicts = world.step(world.call(number=number).key).verdicts
    return next(verdict.get("code") for verdict in verdicts if verdict["policy"] == "loop")


async def test_the_model_is_told_of_the_third_equal_call_and_the_next_ends_the_run(world: World) -> None:
    outcomes = [await done(world, "look_up", number, amount=7) for number in range(1, 5)]
    assert [outcome.kind for outcome in outcomes] == ["value", "value", "failed", "stopped"]
    assert [outcome.code for outcome in outcomes] == [None, None, "repeated_call", "loop"]
    assert "2 times with the same arguments" in (outcomes[2].reason or "")
    assert len(world.link.sent) == 2
    calls = world.step(world.call(number=4).key).detail["evidence"]["calls"]
    assert [(call["call"], call["state"]) for call in calls] == [
        ("erp.look_up", "completed"), ("erp.look_up", "completed"), ("erp.look_up", "refused"),
    ]  # fmt: skip
    assert (await done(world, "look_up", 6, amount=8)).kind == "value"


async def test_spaces_and_numbers_in_a_result_are_no_progress(world: World) -> None:
    seen: list[int] = []
    world.link.behave = lambda tool, args: seen.append(1) or {"at": f"10:0{len(seen)}", "open": True}
    notes = ["a  b", " a b", "a\nb"]
    outcomes = [await done(world, "look_up", number, note=note) for number, note in enumerate(notes, 1)]
    assert [outcome.code for outcome in outcomes] == [None, None, "repeated_call"]


async def test_where_results_differ_it_is_flagged_and_goes_on_to_the_limit(world: World) -> None:
    states = iter(["new", "paid", "packed", "sent"])
    world.link.behave = lambda tool, args: {"state": next(states)}
    outcomes = [await done(world, "look_up", number, amount=7) for number in range(1, 6)]
    assert [outcome.kind for outcome in outcomes] == ["value"] * 4 + ["stopped"]
    assert [remark(world, number) for number in range(1, 6)] == [None, None, "repeated_call", "repeated_call", "loop"]
    assert "limits.same_call is 5" in (outcomes[-1].reason or "")
    calls = world.step(world.call(number=5).key).detail["evidence"]["calls"]
    assert [call["step"] for call in calls] == [2, 3, 4]


async def test_a_generous_limit_tells_once_and_lets_by_for_a_while(world: World) -> None:
    at = world.with_body(limits={"same_call": 10})
    outcomes = [await done(at, "look_up", number, amount=7) for number in range(1, 9)]
    assert [outcome.kind for outcome in outcomes] == ["value"] * 5 + ["failed", "value", "stopped"]


async def test_failures_of_the_same_kind_are_the_same_result(world: World) -> None:
    outcomes = [await done(world, "look_up", number, amount=-1) for number in range(1, 4)]
    assert {outcome.code for outcome in outcomes} == {"bad_arguments"}


async def _round(world: World, calls: list[tuple[str, dict[str, Any]]]) -> list[str | None]:
    outcomes = [await done(world, tool, number, **args) for number, (tool, args) in enumerate(calls, 1)]
    return [outcome.code for outcome in outcomes]


async def test_an_agent_with_gates_has_a_person_asked_whether_to_go_on(world: World) -> None:
    at = gated(world)
    outcomes = [await done(at, "look_up", number, amount=7) for number in range(1, 5)]
    assert [outcome.code for outcome in outcomes] == [None, None, "repeated_call", "needs_approval"]
    with at.store.read() as session:
        request = session.scalars(select(Approval)).one()
    assert (request.gate, request.asked_by_policy, request.state) == ("loop", "loop", "pending")
    assert [call["call"] for call in request.card["evidence"]["calls"]] == ["erp.look_up"] * 3
    agreed(at, request.id)
    again = await done(at.in_leg(2), "look_up", 4, amount=7)
    assert (again.kind, len(at.link.sent)) == ("value", 3)
    assert (await done(at.in_leg(2), "look_up", 5, amount=7)).code == "loop"


@pytest.mark.parametrize("length", [2, 3, 4])
async def test_a_circle_is_told_then_ends_the_run(world: World, length: int) -> None:
    at = world.with_body(limits={"same_call": 100})
    around = [("look_up", {"amount": number}) for number in range(length)]
    codes = await _round(at, around * 4)
    told, ended = 3 * length - 1, 4 * length - 1
    expected: list[str | None] = [None] * len(codes)
    expected[told], expected[ended] = "repeated_call", "loop"
    assert codes == expected
    calls = world.step(world.call(number=ended + 1).key).detail["evidence"]["calls"]
    assert len(calls) == ended


async def test_a_circle_that_gets_somewhere_is_none(world: World) -> None:
    at = world.with_body(limits={"same_call": 100})
    words = iter(f"{one}{two}" for one in "abcdef" for two in "abcdef")
    world.link.behave = lambda tool, args: {"found": next(words)}
    codes = await _round(at, [("look_up", {"amount": number}) for number in (1, 2)] * 5)
    assert set(codes) == {None}


async def test_how_often_a_circle_may_be_gone_round_is_the_revisions_say(world: World) -> None:
    at = world.with_body(limits={"same_call": 100}, rules={"cycle_repeats": 2, "flow": "off"})
    codes = await _round(at, [("look_up", {"amount": number}) for number in (1, 2)] * 3)
    assert codes == [None, None, None, "repeated_call", None, "loop"]
