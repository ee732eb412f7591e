"""How many calls a provider gets at once."""

from __future__ import annotations

import asyncio

import pytest

from signoff.gateways.model.gateway import think
from signoff.gateways.model.throttling import CALLS_AT_ONCE_MAX, Throttle
from signoff.kit import clock
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_provider_gets_only_so_many_calls_at_once(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.text("one two", pause_seconds=0.02))
    world = world.with_body(limits={"cost_usd": "100"})
    outcomes = await asyncio.gather(
        *(think(world.services, world.run, ask(number=number)) for number in range(CALLS_AT_ONCE_MAX * 2))
    )
    assert {outcome.kind for outcome in outcomes} == {"answered"}
    assert 1 < provider.most_at_once <= CALLS_AT_ONCE_MAX


async def test_a_pause_keeps_everybody_away() -> None:
    throttle = Throttle()
    throttle.pause(0.2)
    throttle.pause(0.05)
    started = clock.monotonic_seconds()
    await asyncio.gather(*(throttle.wait() for _ in range(5)))
    assert clock.monotonic_seconds() - started >= 0.2
