"""Only what the revision allows, the environment binds and someone accepted; all reasons at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.connectors.protocol import ToolSpec
from signoff.gateways.tool.gateway import act
from signoff.tables.connections import Connection, Tool
from signoff.tables.watch import Alert
from tests.gateways.kit_world import FakeLink, FakePool, World

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


async def test_only_what_the_revision_allows(world: World) -> None:
    assert "may not call erp.drop_all" in await _refused(world, world.call("drop_all"), "not_granted", "grant")


async def test_a_slot_nothing_is_bound_to(world: World) -> None:
    world.change(lambda session: session.execute(update(Connection).values(slug="other")))
    reason = await _refused(world, world.call("look_up"), "connection_not_bound", "grant")
    assert "erp" in reason


@pytest.mark.parametrize(
    ("state", "code"), [("new", "tool_new"), ("changed", "tool_changed"), ("removed", "tool_removed")]
)
async def test_only_accepted_tools(world: World, state: str, code: str) -> None:
    world.change(lambda session: session.execute(update(Tool).values(state=state)))
    reason = await _refused(world, world.call("look_up"), code, "grant")
    assert "erp.look_up" in reason


async def test_a_definition_that_changed_since_the_leg_began(world: World) -> None:
    call = replace(world.call("look_up"), definition_hash="b" * 64)
    assert "changed while this run" in await _refused(world, call, "tool_changed", "grant")
    same = replace(world.call("look_up", number=2), definition_hash="a" * 64)
    assert (await act(world.services, world.run, same)).kind == "value"


class Changing(FakeLink):
    """A system that offers something else than it did when its tools were accepted."""

    offers: ToolSpec | None = None

    async def offer(self, tool: str) -> ToolSpec | None:
        return self.offers


@pytest.mark.parametrize(
    ("offers", "code"), [(ToolSpec("post_bill", "Evil.", {}), "tool_changed"), (None, "tool_removed")]
)
async def test_a_tool_its_system_changed_since_nobody_looked(world: World, offers: ToolSpec | None, code: str) -> None:
    link = Changing()
    link.offers = offers
    changed = replace(world, services=replace(world.services, pool=FakePool(link)))
    call = changed.call(amount=1)
    outcome = await act(changed.services, changed.run, call)
    assert (outcome.kind, outcome.code) == ("failed", code)
    assert "was not called" in (outcome.reason or "")
    assert link.sent == []
    effect = changed.effect(call.key)
    assert effect is not None
    assert effect.state == "failed"
    with world.store.read() as session:
        tool = session.scalars(select(Tool).where(Tool.name == "post_bill")).one()
        assert tool.state == code.removeprefix("tool_")
        assert session.scalars(select(Alert.kind)).all() == ["tool_changed"]
    await _refused(world, world.call("post_bill", number=2, amount=1), code, "grant")


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


async def test_a_class_can_only_be_made_graver_by_a_revision(world: World) -> None:
    graver = world.with_body(tools=[{"slot": "erp", "allow": [{"tool": "look_up", "effect": "irreversible"}]}])
    await act(graver.services, graver.run, graver.call("look_up"))
    assert world.step(world.call().key).effect == "irreversible"
    milder = world.another_run().with_body(tools=[{"slot": "erp", "allow": [{"tool": "post_bill", "effect": "read"}]}])
    await act(milder.services, milder.run, milder.call("post_bill"))
    assert milder.step(milder.call().key).effect == "send"
