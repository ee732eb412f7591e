"""The limits of a run that hold without any price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from signoff.gateways.model.gateway import think
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_the_token_and_turn_limits_hold_without_any_price(world: World, provider: FakeProvider) -> None:
    limited = world.with_body(limits={"tokens": 1_500, "turns": 3})
    assert (await think(limited.services, limited.run, ask(number=1, turn=1))).kind == "answered"
    assert (await think(limited.services, limited.run, ask(number=2, turn=2))).kind == "answered"
    assert (await think(limited.services, limited.run, ask(number=3, turn=3))).code == "tokens_exceeded"
    assert (await think(limited.services, limited.run, ask(number=4, turn=4))).code == "turns_exceeded"
    assert provider.calls() == 2


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_model_that_costs_nothing_is_asked_also_when_all_money_is_spent(
    world: World, provider: FakeProvider
) -> None:
    world.with_daily_cap(Decimal(0))
    assert (await think(world.services, world.run, ask())).code == "day_budget_exceeded"
    configured = world.settings.providers["fake"]
    configured.input_usd_per_million = configured.output_usd_per_million = None
    provider.will("gpt", fake.text("for free"))
    assert (await think(world.services, world.another_run().run, ask())).kind == "answered"
