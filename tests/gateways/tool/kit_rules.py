"""What the tests of an agent's own rules share."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update

from signoff.gateways.tool.call import ToolOutcome
from signoff.gateways.tool.gateway import act
from signoff.kit import clock
from signoff.tables.caps import CapCounter, CapPlace
from signoff.tables.runs import Run
from tests.gateways.kit_world import World


def with_tools(world: World, **of: dict[str, Any]) -> World:
    """The same world, with more said about some of its tools."""
    names = ("post_bill", "look_up", "set_status")
    tools = [{"slot": "erp", "allow": [{"tool": name, **of.get(name, {})} for name in names]}]
    # What was read must not matter here.
    return world.with_body(tools=tools, rules={"flow": "off"})


async def done(world: World, tool: str, number: int, *, turn: int | None = None, **args: Any) -> ToolOutcome:
    """Make call `number`, each in its own turn."""
    call = replace(world.call(tool, number, **args), turn=number if turn is None else turn)
    return await act(world.services, world.run, call)


def it_is(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Set the clock."""
    fixed = datetime.fromisoformat(moment)
    assert fixed.tzinfo is not None
    monkeypatch.setattr(clock, "now", lambda: fixed)


def capped(world: World, most: int, per: str = "day", **more: Any) -> World:
    world.change(lambda session: session.execute(update(Run).values(origin="production")))
    return world.with_body(
        rules={"caps": [{"most": most, "per": per, **more}], "flow": "off"}, limits={"same_call": 100}
    )


def counts(world: World) -> list[int]:
    with world.store.read() as session:
        return list(session.scalars(select(CapCounter.used).order_by(CapCounter.counter)))


def places(world: World) -> int:
    with world.store.read() as session:
        return session.scalars(select(func.count()).select_from(CapPlace)).one()


class Died(BaseException):
    """Stands for the process being killed: no handler of ours runs any more."""


def dies(*_: Any, **__: Any) -> Any:
    """Be killed here."""
    raise Died


async def killed(world: World, monkeypatch: pytest.MonkeyPatch, tool: str, number: int) -> None:
    """Make call `number`, and be killed while it is on its way."""
    before, world.link.behave = world.link.behave, dies
    with monkeypatch.context() as patch:
        # A killed process ends no step.
        patch.setattr("signoff.gateways.tool.policies.trace._end", dies)
        with pytest.raises(Died):
            await done(world, tool, number)
    world.link.behave = before
