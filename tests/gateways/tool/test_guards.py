"""Why a tool was not called: every reason, in words, on the step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from signoff.freezes.actions import lift_freeze, order_freeze
from signoff.gateways.tool.gateway import act
from signoff.kit import ids
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection, Tool
from signoff.tables.runs import Run
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def _refused(world: World, call: Any, code: str, policy: str, kind: str = "failed") -> str:
    outcome = await act(world.services, world.run, call)
    assert (outcome.kind, outcome.code) == (kind, code), outcome
    step = world.step(call.key)
    assert step.verdicts[-1]["policy"] == policy
    assert step.reason == outcome.reason
    assert step.state == ("refused" if kind == "failed" else "stopped")
    assert world.link.sent == []
    assert world.row().tool_calls == 0
    return outcome.reason or ""


REVOKED: dict[str, Any] = {
    "cancelled": update(Run).values(is_cancel_requested=True),
    "agent_disabled": update(Agent).values(state="disabled"),
    "connection_disabled": update(Connection).values(state="disabled"),
    "connection_disconnected": update(Connection).values(state="disconnected"),
}


@pytest.mark.parametrize("code", list(REVOKED))
async def test_a_revoked_run_calls_nothing(world: World, code: str) -> None:
    world.change(lambda session: session.execute(REVOKED[code]))
    await _refused(world, world.call("look_up"), code, "revocation", "stopped")


async def test_only_what_the_revision_allows(world: World) -> None:
    assert "may not call erp.drop_all" in await _refused(world, world.call("drop_all"), "not_granted", "grant")


async def test_a_slot_nothing_is_bound_to(world: World) -> None:
    world.change(lambda session: session.execute(update(Connection).values(slug="other")))
    await _refused(world, world.call("look_up"), "connection_not_bound", "grant")


@pytest.mark.parametrize(
    ("state", "code"), [("new", "tool_new"), ("changed", "tool_changed"), ("removed", "tool_removed")]
)
async def test_only_accepted_tools(world: World, state: str, code: str) -> None:
    world.change(lambda session: session.execute(update(Tool).values(state=state)))
    await _refused(world, world.call("look_up"), code, "grant")


async def test_a_definition_that_changed_since_the_leg_began(world: World) -> None:
    call = replace(world.call("look_up"), definition_hash="b" * 64)
    assert "changed while this run" in await _refused(world, call, "tool_changed", "grant")
    same = replace(world.call("look_up", number=2), definition_hash="a" * 64)
    assert (await act(world.services, world.run, same)).kind == "value"


async def test_all_that_is_wrong_with_the_arguments_at_once(world: World) -> None:
    bounded = world.with_body(
        tools=[{"slot": "erp", "allow": [{"tool": "post_bill", "args": {"amount": {"maximum": 100}, "note": {}}}]}]
    )
    reason = await _refused(bounded, bounded.call(amount=500, extra=1), "bad_arguments", "grant")
    assert "extra" in reason
    assert "500 is greater than the maximum of 100 (a limit of this agent)" in reason
    assert "note: this agent must give it" in reason
    assert "amount: -1 is less than the minimum" in await _refused(
        world, world.call(number=2, amount=-1), "bad_arguments", "grant"
    )


async def test_a_schema_that_leads_outside_is_never_followed(world: World) -> None:
    definition = {"name": "look_up", "input_schema": {"$ref": "http://169.254.169.254/schema.json"}}
    world.change(
        lambda session: session.execute(update(Tool).where(Tool.name == "look_up").values(definition=definition))
    )
    assert "cannot be checked" in await _refused(world, world.call("look_up"), "bad_arguments", "grant")


async def test_max_calls_of_one_tool(world: World) -> None:
    twice = world.with_body(tools=[{"slot": "erp", "allow": [{"tool": "look_up", "max_calls": 2}]}])
    kinds = [
        (await act(twice.services, twice.run, twice.call("look_up", number=number, amount=number))).kind
        for number in range(1, 4)
    ]
    assert kinds == ["value", "value", "failed"]
    assert world.step(twice.call("look_up", number=3).key).code == "max_calls_reached"


@pytest.mark.parametrize("scope", ["agent", "connection", "workspace"])
async def test_a_freeze_stops_writing_and_lets_reading_go_on(world: World, scope: Any) -> None:
    target = {"agent": world.run.agent_id, "connection": world.connection_id, "workspace": None}[scope]
    frozen: list[str] = []
    world.change(
        lambda session: frozen.append(
            order_freeze(session, world.principal, scope=scope, target_id=target, reason="wrong prices")
        )
    )
    reason = await _refused(world, world.call("post_bill"), "frozen", "freeze")
    assert "Alice" in reason
    assert "wrong prices" in reason
    assert (await act(world.services, world.run, world.call("look_up", number=2))).kind == "value"
    world.change(lambda session: lift_freeze(session, world.principal, frozen[0]))
    assert (await act(world.services, world.run, world.call("post_bill", number=3))).kind == "value"


async def test_the_same_call_again_and_again_is_flagged_and_then_ends_the_run(world: World) -> None:
    outcomes = [
        await act(world.services, world.run, world.call("look_up", number=number, amount=7)) for number in range(1, 6)
    ]
    assert [outcome.kind for outcome in outcomes] == ["value"] * 4 + ["stopped"]
    assert outcomes[-1].code == "loop"
    assert len(world.link.sent) == 4
    remarks = [
        next(verdict for verdict in world.step(world.call(number=number).key).verdicts if verdict["policy"] == "loop")
        for number in range(1, 6)
    ]
    assert [remark.get("code") for remark in remarks] == [None, None, "repeated_call", "repeated_call", "loop"]
    other = await act(world.services, world.run, world.call("look_up", number=6, amount=8))
    assert other.kind == "value"


async def test_the_runs_number_of_tool_calls(world: World) -> None:
    few = world.with_body(limits={"tool_calls": 2})
    kinds = [
        (await act(few.services, few.run, few.call("look_up", number=number, amount=number))).code
        for number in range(1, 4)
    ]
    assert kinds == [None, None, "tool_calls_exceeded"]


async def test_a_rehearsal_reads_and_writes_nothing(world: World) -> None:
    rehearsal = world.with_mode("sandbox")
    assert (await act(world.services, rehearsal.run, world.call("look_up"))).kind == "value"
    outcome = await act(world.services, rehearsal.run, world.call("post_bill", number=2, amount=1))
    assert outcome.kind == "value"
    assert outcome.value["is_simulated"] is True
    assert [tool for tool, _, _ in world.link.sent] == ["look_up"]
    step = world.step(world.call(number=2).key)
    assert (step.state, step.request["args"]) == ("simulated", {"amount": 1})
    assert world.effect(step.key) is None


async def test_a_rehearsal_still_keeps_to_the_rules(world: World) -> None:
    rehearsal = world.with_mode("sandbox")
    outcome = await act(world.services, rehearsal.run, world.call("post_bill", amount=-1))
    assert outcome.code == "bad_arguments"


async def test_a_replay_gets_the_recorded_results_and_does_nothing_new(world: World) -> None:
    world.link.behave = lambda tool, args: {"bill": 42}
    original = await act(world.services, world.run, world.call("post_bill", amount=1))
    world.change(lambda session: order_freeze(session, world.principal, scope="workspace", reason="today's trouble"))
    replay = world.another_run().with_mode("replay", world.run.run_id)
    assert await act(world.services, replay.run, replay.call("post_bill", amount=1)) == original
    other_id = replace(replay.call("post_bill", number=9, amount=1), key=ids.new_id("x"))
    assert await act(world.services, replay.run, other_id) == original
    refused = await act(world.services, replay.run, replay.call("post_bill", number=2, amount=2))
    assert (refused.kind, refused.code) == ("failed", "not_recorded")
    assert len(world.link.sent) == 1


async def test_every_verdict_of_an_allowed_call_is_on_the_step(world: World) -> None:
    await act(world.services, world.run, world.call("post_bill", amount=1))
    step = world.step(world.call().key)
    assert [verdict["policy"] for verdict in step.verdicts] == [
        "revocation", "grant", "loop", "budget", "recording", "freeze", "sandbox",
    ]  # fmt: skip
    assert (step.state, step.effect, step.response) == ("completed", "send", {"ok": True})
    assert world.row().tool_calls == 1


async def test_a_class_can_only_be_made_graver_by_a_revision(world: World) -> None:
    graver = world.with_body(tools=[{"slot": "erp", "allow": [{"tool": "look_up", "effect": "irreversible"}]}])
    await act(graver.services, graver.run, graver.call("look_up"))
    assert world.step(world.call().key).effect == "irreversible"
    milder = world.another_run().with_body(tools=[{"slot": "erp", "allow": [{"tool": "post_bill", "effect": "read"}]}])
    await act(milder.services, milder.run, milder.call("post_bill"))
    assert milder.step(milder.call().key).effect == "send"
