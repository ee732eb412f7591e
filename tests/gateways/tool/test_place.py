"""A place under a cap is kept by what was done or may have been, and given back by what surely was not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from signoff.connectors import faults
from signoff.freezes.actions import order_freeze
from signoff.tables.runs import Effect
from tests.gateways.kit_world import World
from tests.gateways.tool.kit_rules import capped, counts, done, killed, places


async def _at_once(*_: Any) -> None:
    return None


async def test_a_call_that_was_not_made_gives_its_place_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at = capped(world, 1)
    monkeypatch.setattr(asyncio, "sleep", _at_once)
    world.link.behave = lambda tool, args: faults.fault(faults.UNREACHABLE, "Nobody answers.")
    assert (await done(at, "post_bill", 1)).kind == "failed"
    assert (counts(world), places(world)) == ([0], 0)

    def freezes(*_: Any) -> Any:
        world.change(
            lambda session: order_freeze(session, at.principal, scope="workspace", target_id=None, reason="Stop.")
        )
        return faults.fault(faults.UNREACHABLE, "Nobody answers.")

    world.link.behave = freezes
    assert (await done(at, "post_bill", 2)).code == "frozen"
    assert (counts(world), places(world)) == ([0], 0)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_an_unknown_outcome_keeps_its_place(world: World) -> None:
    at = capped(world, 1)
    world.link.behave = lambda tool, args: faults.unknown_outcome("it never answered")
    assert (await done(at, "post_bill", 1)).kind == "held"
    world.link.behave = lambda tool, args: {"ok": True}
    assert (await done(at, "post_bill", 2)).code == "volume_cap"
    # A person finds that it did not happen and wants it done: it has its place already.
    world.change(
        lambda session: session.execute(update(Effect).values(state="settled", settlement="did_not_happen_retry"))
    )
    assert (await done(at, "post_bill", 1)).kind == "value"
    assert (counts(world), places(world)) == ([1], 1)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_an_attempt_before_may_have_done_is_not_given_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = capped(world, 1)
    monkeypatch.setattr(asyncio, "sleep", _at_once)

    await killed(at, monkeypatch, "set_status", 1)
    world.link.behave = lambda tool, args: faults.fault(faults.UNREACHABLE, "Nobody answers.")
    assert (await done(at, "set_status", 1)).kind == "held"
    assert (counts(world), places(world)) == ([1], 1)
