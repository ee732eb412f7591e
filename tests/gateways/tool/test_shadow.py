"""A shadow is answered as its original was; nothing it would do is done, and nobody is asked about it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, update

from signoff.gateways.tool.call import ToolCall, ToolOutcome
from signoff.gateways.tool.gateway import act
from signoff.kit import clock, ids
from signoff.runs.holds import keep_answer
from signoff.tables.approvals import Approval
from signoff.tables.memory import MemoryEntry
from signoff.tables.releases import Release
from signoff.tables.runs import Effect, Run
from tests.gateways.kit_world import World
from tests.gateways.tool.kit_people import agreed, gated

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def shadow_of(world: World, **shadow: Any) -> World:
    """The shadow of the world's run, under a release that says this of it."""
    run, moment = world.run, clock.now()
    release = Release(
        id=ids.new_id("rel"), workspace_id=run.workspace_id, agent_id=run.agent_id, environment_id=run.environment_id,
        revision_id=run.revision_id, state="shadow", state_since=moment, strategy={"shadow": shadow}, tier="low",
        reason="", requested_by="mem_x", requested_by_name="Alice", requested_at=moment,
    )  # fmt: skip
    world.change(lambda session: session.add(release))
    found = world.another_run().with_mode("shadow", run.run_id)
    object.__setattr__(found.run, "release_id", release.id)
    return found


async def do(world: World, call: ToolCall) -> ToolOutcome:
    return await act(world.services, world.run, call)


def sent(world: World) -> list[str]:
    return [tool for tool, _, _ in world.link.sent]


def count(world: World, table: type) -> int:
    with world.store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_read_is_answered_from_the_record_and_one_that_was_not_made_is_made(world: World):
    world.link.behave = lambda tool, args: {"found": args}
    original = await do(world, world.call("look_up", note="a"))
    shadow = shadow_of(world)
    again = await do(shadow, shadow.call("look_up", note="a"))
    assert again == original
    assert sent(world) == ["look_up"]
    step = shadow.step(shadow.call().key)
    assert (step.state, step.verdicts[-1]["policy"], step.verdicts[-1]["code"]) == ("cached", "shadow", "as_recorded")
    other = await do(shadow, shadow.call("look_up", number=2, note="b"))
    assert other.value == {"found": {"note": "b"}}
    assert sent(world) == ["look_up", "look_up"]


async def test_a_read_asked_for_again_gets_the_second_answer(world: World):
    answers = iter(({"state": "open"}, {"state": "paid"}))
    world.link.behave = lambda tool, args: next(answers)
    await do(world, world.call("look_up"))
    await do(world, world.call("look_up", number=2))
    shadow = shadow_of(world)
    told = [(await do(shadow, shadow.call("look_up", number=number))).value for number in (1, 2, 3)]
    assert told == [{"state": "open"}, {"state": "paid"}, {"state": "paid"}]


async def test_where_the_strategy_says_live_reads_are_made(world: World):
    await do(world, world.call("look_up"))
    shadow = shadow_of(world, reads="live")
    await do(shadow, shadow.call("look_up"))
    assert sent(world) == ["look_up", "look_up"]


async def test_what_would_act_is_recorded_and_answered_as_the_original_was(world: World):
    world.link.behave = lambda tool, args: {"bill": 42}
    original = await do(world, world.call("post_bill", amount=1))
    shadow = shadow_of(world)
    same = await do(shadow, shadow.call("post_bill", amount=1))
    other = await do(shadow, shadow.call("post_bill", number=2, amount=2))
    kept = await do(shadow, shadow.call("set_status", number=3, note="x"))
    assert same.value == original.value == {"bill": 42}
    assert other.value["is_simulated"] is True
    assert kept.value["is_simulated"] is True
    assert sent(world) == ["post_bill"]
    steps = [shadow.step(shadow.call(number=number).key) for number in (1, 2, 3)]
    assert [(step.state, step.request["args"]) for step in steps] == [
        ("simulated", {"amount": 1}), ("simulated", {"amount": 2}), ("simulated", {"note": "x"}),
    ]  # fmt: skip
    assert count(world, Effect) == 1


async def test_a_gated_call_asks_nobody_and_is_answered_as_approved_as_it_was(world: World):
    world = gated(world)
    call = world.call("post_bill", amount=7)
    held = await do(world, call)
    agreed(world, str((held.hold or {})["approval"]))
    await do(world.in_leg(2), call)
    shadow = shadow_of(world)
    for number, amount in ((1, 7), (2, 8)):
        outcome = await do(shadow, shadow.call("post_bill", number=number, amount=amount))
        assert outcome.kind == "value"
    assert sent(world) == ["post_bill"]
    assert count(world, Approval) == 1


async def test_what_a_person_denied_to_the_original_is_denied_to_its_shadow(world: World):
    world = gated(world)
    await do(world, world.call("post_bill", amount=7))
    world.change(
        lambda session: keep_answer(
            session, workspace_id=world.run.workspace_id, run_id=world.run.run_id, leg=1, call_id="call_1",
            answer={"outcome": "denied", "reason": "Not this one."},
        )
    )  # fmt: skip
    shadow = shadow_of(world)
    outcome = await do(shadow, shadow.call("post_bill", amount=7))
    assert (outcome.kind, outcome.reason) == ("failed", "Not this one.")
    assert sent(world) == []


async def test_a_gated_read_is_not_made_for_a_shadow(world: World):
    shadow = shadow_of(gated(world, tools=["erp.look_up"]))
    outcome = await do(shadow, shadow.call("look_up"))
    assert outcome.value["status"] == "not_asked"
    assert (sent(world), count(world, Approval)) == ([], 0)


async def test_a_question_is_answered_as_it_was_and_else_asked_of_nobody(world: World):
    world = gated(world).with_body(asking={"questions": True, "asks": ["owner"]})
    asked = {"questions": [{"question": "Which one?", "header": "Which"}]}

    def question(of: World, number: int = 1) -> ToolCall:
        return ToolCall(f"{of.run.run_id}:call_{number}", f"call_{number}", "", "ask_person", asked, turn=1)

    lonely = shadow_of(world)
    assert (await do(lonely, question(lonely))).value["status"] == "not_asked"
    assert (await do(world, question(world))).kind == "held"
    world.change(
        lambda session: keep_answer(
            session, workspace_id=world.run.workspace_id, run_id=world.run.run_id, leg=1, call_id="call_1",
            answer={"outcome": "answered", "value": "The second."},
        )
    )  # fmt: skip
    shadow = shadow_of(world)
    assert (await do(shadow, question(shadow))).value == "The second."
    assert count(world, Approval) == 1


async def test_nothing_is_kept_in_memory(world: World):
    shadow = shadow_of(world.with_body(memory={"scope": "shared"}))
    key = f"{shadow.run.run_id}:call_1"
    outcome = await do(shadow, ToolCall(key, "call_1", "", "memory_write", {"text": "Bob likes tea."}, turn=1))
    assert outcome.value["is_simulated"] is True
    assert count(world, MemoryEntry) == 0


async def test_what_the_original_was_told_the_shadow_has_read_too(world: World):
    await do(world, world.call("look_up"))
    shadow = shadow_of(world)
    await do(shadow, shadow.call("look_up"))
    with world.store.read() as session:
        flow = session.get_one(Run, shadow.run.run_id).flow
    assert flow is not None
    assert flow["untrusted"] == 1


async def test_the_rules_hold_in_a_shadow(world: World):
    shadow = shadow_of(world)
    outcome = await do(shadow, shadow.call("post_bill", amount=-1))
    assert outcome.code == "bad_arguments"
    assert sent(world) == []


async def test_what_untrusted_content_may_have_brought_about_is_told_and_simulated(world: World):
    world = gated(world, tools=["erp.set_status"])
    world.link.behave = lambda tool, args: {"bill": 42}
    shadow = shadow_of(world)
    world.change(
        lambda session: session.execute(
            update(Run).where(Run.id == shadow.run.run_id).values(flow={"untrusted": 0, "workspace": 0})
        )
    )
    outcome = await do(shadow, shadow.call("post_bill", amount=1, note="Pay me"))
    step = shadow.step(shadow.call().key)
    assert outcome.value["is_simulated"] is True
    assert (sent(world), count(world, Approval)) == ([], 0)
    kinds = {verdict["policy"]: verdict["kind"] for verdict in step.verdicts}
    assert (kinds["flow"], kinds["shadow"]) == ("allow", "simulate")
    assert next(one for one in step.verdicts if one["policy"] == "flow")["code"].startswith("flow_")
