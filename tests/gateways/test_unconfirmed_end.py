"""The database took the end of a step and the line broke before it said so: told again, the end counts once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from signoff.gateways.model.gateway import think
from signoff.gateways.tool.gateway import act
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask, until


@pytest.fixture
def break_the_line(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when this is called, every transaction is committed, not confirmed, and so made once more."""
    commit, is_armed, is_repeat = Session.commit, [False], [False]

    def unconfirmed(session: Session) -> None:
        commit(session)
        if not is_armed[0]:
            return
        is_repeat[0] = not is_repeat[0]
        if is_repeat[0]:
            raise DBAPIError("COMMIT", None, ConnectionError("the line broke"), connection_invalidated=True)

    monkeypatch.setattr(Session, "commit", unconfirmed)
    return lambda: is_armed.__setitem__(0, True)


async def test_a_model_call_counts_once(
    world: World, provider: FakeProvider, break_the_line: Callable[[], None]
) -> None:
    def answer(body: dict[str, Any], number: int) -> fake.Reply:
        break_the_line()
        return fake.text("pong")(body, number)

    provider.will("gpt", answer)
    outcome = await think(world.services, world.run, ask())
    assert (outcome.kind, provider.calls()) == ("answered", 1)
    run, step = world.row(), world.step("m:1:1")
    assert (run.model_calls, run.tokens_in, run.tokens_out) == (1, step.tokens_in, step.tokens_out)
    assert run.cost_usd == step.cost_usd
    assert run.cost_usd > 0


async def test_a_tool_call_counts_once(world: World, break_the_line: Callable[[], None]) -> None:
    world.link.behave = lambda tool, args: break_the_line() or {"bill": 7}
    outcome = await act(world.services, world.run, world.call(amount=1))
    assert (outcome.kind, outcome.value) == ("value", {"bill": 7})
    assert len(world.link.sent) == world.row().tool_calls == 1
    effect = world.effect(world.call().key)
    assert effect is not None
    assert effect.state == "done"


async def test_a_second_attempt_is_paid_for_too_but_once(
    world: World, provider: FakeProvider, break_the_line: Callable[[], None]
) -> None:
    """A process that was taken for dead wakes up, and its answer comes after that of who took over."""
    is_over = threading.Event()

    def first(body: dict[str, Any], number: int) -> fake.Reply:
        is_over.wait(20)
        return fake.text("one")(body, number)

    def second(body: dict[str, Any], number: int) -> fake.Reply:
        break_the_line()
        return fake.text("two")(body, number)

    provider.will("gpt", first, second)
    late = asyncio.create_task(think(world.services, world.run, ask()))
    await until(lambda: provider.calls() == 1)
    told = await think(world.services, world.run, ask())
    is_over.set()
    assert await late == told
    run, step = world.row(), world.step("m:1:1")
    assert (run.model_calls, run.tokens_in, step.tokens_in) == (2, 1_800, 900)
