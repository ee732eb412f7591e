"""What is left of a model call on its step."""

from __future__ import annotations

import pytest

from signoff.gateways.model.gateway import think
from signoff.tables.runs import Step
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_every_verdict_of_an_allowed_call_is_on_the_step(world: World, provider: FakeProvider) -> None:
    await think(world.services, world.run, ask())
    assert [(verdict["policy"], verdict["kind"]) for verdict in world.step("m:1:1").verdicts] == [
        (name, "allow") for name in ("revocation", "recording", "budget", "cache")
    ]


async def test_a_step_that_was_finished_before_a_crash_is_not_asked_again(world: World, provider: FakeProvider) -> None:
    first = await think(world.services, world.run, ask())
    assert await think(world.services, world.run, ask()) == first
    assert provider.calls() == 1
    with world.store.read() as session:
        assert session.query(Step).count() == 1
    assert world.row().model_calls == 1
