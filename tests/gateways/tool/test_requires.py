"""A call whose preconditions do not hold in its run is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text, update

from signoff.connectors.protocol import ToolAnswer
from signoff.gateways.tool import preconditions
from signoff.kit.errors import ConnectorError
from signoff.tables.runs import Effect, Step
from tests.gateways.kit_world import World
from tests.gateways.tool.kit_rules import done, with_tools

DELIVERED: dict[str, Any] = {
    "tool": "erp.look_up",
    "result": {"order.status": {"const": "delivered"}},
    "same": {"amount": "args.amount"},
}


def guarded(world: World, *requires: dict[str, Any], status: str = "delivered") -> World:
    """A world in which a bill is posted only for an order that was looked up and is delivered."""
    world.link.behave = lambda tool, args: {"order": {"id": args.get("amount"), "status": status}}
    return with_tools(world, post_bill={"requires": list(requires or (DELIVERED,))})


async def posts(world: World, number: int = 9, **args: Any) -> bool:
    outcome = await done(world, "post_bill", number, **args)
    assert outcome.kind in ("value", "failed")
    assert outcome.kind == "value" or outcome.code == "precondition_unmet"
    posted = [sent for sent in world.link.sent if sent[0] == "post_bill"]
    assert len(posted) == (outcome.kind == "value")
    return outcome.kind == "value"


async def test_what_has_not_happened_yet_is_told(world: World) -> None:
    at = guarded(world)
    refused = await done(at, "post_bill", 1, amount=7)
    assert refused.code == "precondition_unmet"
    assert "erp.look_up has not succeeded in this run for this amount yet" in (refused.reason or "")
    step = world.step(world.call().key)
    assert (step.state, step.verdicts[-1]["policy"]) == ("refused", "requires")
    assert world.link.sent == []


async def test_after_its_precondition_it_is_called(world: World) -> None:
    at = guarded(world)
    await done(at, "look_up", 1, amount=7)
    assert await posts(at, amount=7)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("asked", [8, 7.5])
async def test_another_order_does_not_count(world: World, asked: float) -> None:
    at = guarded(world)
    await done(at, "look_up", 1, amount=7)
    assert not await posts(at, amount=asked)
    assert not await posts(at, 10)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_another_status_does_not_count_and_is_told(world: World) -> None:
    at = guarded(world, status="open")
    await done(at, "look_up", 1, amount=7)
    refused = await done(at, "post_bill", 2, amount=7)
    assert refused.code == "precondition_unmet"
    assert "order.status" in (refused.reason or "")


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_the_last_look_counts(world: World) -> None:
    at = guarded(world)
    await done(at, "look_up", 1, amount=7)
    world.link.behave = lambda tool, args: {"order": {"status": "refunded"}}
    await done(at, "look_up", 2, amount=7)
    assert not await posts(at, amount=7)
    world.link.behave = lambda tool, args: {"order": {"status": "delivered"}}
    await done(at, "look_up", 3, amount=7)
    assert await posts(at, 10, amount=7)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "answer",
    [
        ToolAnswer({"order": {"status": "delivered"}}, is_error=True), ConnectorError("down", is_transient=False),
        {"order": {}}, {"order": "delivered"}, "delivered", {"status": "delivered"}, None, [],
        {"order": {"status": ["delivered"]}}, '{"order": {"status": "delivered", "status": "open"}}',
    ],
)  # fmt: skip
async def test_a_call_that_failed_or_said_something_else_does_not_count(world: World, answer: Any) -> None:
    at = guarded(world)
    world.link.behave = lambda tool, args: answer
    await done(at, "look_up", 1, amount=7)
    world.link.behave = lambda tool, args: {}
    assert not await posts(at, amount=7)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_an_answer_that_is_json_in_a_text_counts(world: World) -> None:
    at = guarded(world)
    world.link.behave = lambda tool, args: '{"order": {"status": "delivered"}}'
    await done(at, "look_up", 1, amount=7)
    assert await posts(at, amount=7)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_another_run_does_not_count(world: World) -> None:
    at = guarded(world)
    await done(at, "look_up", 1, amount=7)
    assert not await posts(at.another_run(), amount=7)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_runs_beside_it_does_not_count(world: World) -> None:
    at = guarded(world)
    await done(at, "look_up", 1, turn=1, amount=7)
    refused = await done(at, "post_bill", 2, turn=1, amount=7)
    assert refused.code == "precondition_unmet"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_tie_to_the_result_holds(world: World) -> None:
    at = guarded(world, {"tool": "erp.look_up", "same": {"amount": "result.order.id"}})
    await done(at, "look_up", 1, amount=7)
    assert not await posts(at, amount=8)
    assert await posts(at, 10, amount=7)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_true_is_not_one(world: World) -> None:
    at = guarded(world, {"tool": "erp.look_up", "same": {"amount": "result.order.id"}})
    world.link.behave = lambda tool, args: {"order": {"id": True}}
    await done(at, "look_up", 1, amount=7)
    assert not await posts(at, amount=1)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_every_precondition_must_hold(world: World) -> None:
    at = guarded(world, DELIVERED, {"tool": "erp.set_status"})
    await done(at, "look_up", 1, amount=7)
    assert not await posts(at, amount=7)
    await done(at, "set_status", 2, amount=7)
    assert await posts(at, 10, amount=7)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_simulated_call_counts_in_a_rehearsal_only(world: World) -> None:
    at = guarded(world, {"tool": "erp.set_status"})
    rehearsal = at.with_mode("sandbox")
    await done(rehearsal, "set_status", 1, amount=7)
    assert world.step(world.call(number=1).key).state == "simulated"
    assert (await done(rehearsal, "post_bill", 2, amount=7)).kind == "value"
    assert world.step(world.call(number=2).key).state == "simulated"
    # The same steps, seen from a run that is real.
    assert not await posts(at, amount=7)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_refused_call_does_not_count(world: World) -> None:
    at = guarded(world, {"tool": "erp.set_status"})
    await done(at, "set_status", 1, amount=-7)
    assert world.step(world.call(number=1).key).state == "refused"
    assert not await posts(at, amount=7)


async def test_an_earlier_leg_counts(world: World) -> None:
    at = guarded(world)
    await done(at, "look_up", 1, amount=7)
    assert await posts(at.in_leg(2), amount=7)


async def test_an_act_that_a_person_confirmed_counts(world: World) -> None:
    at = guarded(world, {"tool": "erp.set_status", "result": {"id": {"type": "integer"}}})
    await done(at, "set_status", 1, amount=7)
    key = world.call(number=1).key
    settled = {"state": "settled", "result": {"id": 3}}

    def say(settlement: str) -> None:
        world.change(lambda session: session.execute(update(Step).where(Step.key == key).values(state="waiting")))
        world.change(
            lambda session: session.execute(
                update(Effect).where(Effect.key == key).values(**settled, settlement=settlement)
            )
        )

    say("did_not_happen")
    assert not await posts(at, amount=7)
    say("happened")
    assert await posts(at, 10, amount=7)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("blank", ["", " ", "\u200b"], ids=repr)
async def test_a_blank_is_no_tie_to_an_earlier_call(world: World, blank: str) -> None:
    at = guarded(world, {"tool": "erp.look_up", "same": {"note": "args.note"}})
    await done(at, "look_up", 1, note=blank)
    assert not await posts(at, note=blank, amount=7)


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
async def test_looking_back_leaves_no_cursor_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preconditions, "_PIECE", 1)
    at = guarded(world)
    for number in (1, 2, 3):
        await done(at, "look_up", number, amount=7)
    call = at.call("post_bill", 9, amount=7)
    with at.store.read() as session:
        unmet = preconditions.unmet_requirements(session, at.run, replace(call, turn=9), at.run.body.tools[0].allow[0])
        cursors = session.execute(text("select name from pg_cursors")).all()
    assert (unmet, cursors) == ((), [])
