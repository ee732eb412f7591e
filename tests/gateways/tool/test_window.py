"""Effects in their hours: outside, the call is put off and not sent."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from signoff.connectors import faults
from signoff.kit import clock
from signoff.tables.watch import Alert
from tests.gateways.kit_world import World
from tests.gateways.tool.kit_rules import done, it_is, killed

OFFICE: dict[str, Any] = {"days": ["mon", "tue", "wed", "thu", "fri"], "zone": "Europe/Berlin"}
FRIDAY_EVENING, MONDAY_MORNING = "2026-03-27T17:01:00+00:00", "2026-03-30T06:00:00+00:00"


def office(world: World, *more: dict[str, Any], **changes: Any) -> World:
    return world.with_body(rules={"windows": [{**OFFICE, **changes}, *more], "flow": "off"})


async def test_outside_a_call_is_put_off_to_the_next_opening(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at = office(world)
    it_is(monkeypatch, FRIDAY_EVENING)
    outcome = await done(at, "post_bill", 1, amount=7)
    assert (outcome.kind, outcome.code) == ("held", "outside_window")
    # The clock changes in between: eight in the morning comes an hour earlier.
    assert outcome.hold == {"kind": "window", "until": MONDAY_MORNING}
    assert "Monday, 30 March 2026, 08:00 (Europe/Berlin)" in (outcome.reason or "")
    step = world.step(world.call().key)
    assert (step.state, step.verdicts[-1]["policy"], step.verdicts[-1]["kind"]) == ("waiting", "window", "defer")
    assert (world.link.sent, world.effect(world.call().key)) == ([], None)
    it_is(monkeypatch, MONDAY_MORNING)
    assert (await done(at, "post_bill", 1, amount=7)).kind == "value"
    assert len(world.link.sent) == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_reading_goes_on_and_what_it_does_not_name_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    it_is(monkeypatch, FRIDAY_EVENING)
    assert (await done(office(world), "look_up", 1)).kind == "value"
    sends = office(world, effects=["send"])
    assert (await done(sends, "set_status", 2)).kind == "value"
    assert (await done(sends, "post_bill", 3)).kind == "held"
    named = office(world, tools=["erp.look_up"])
    assert (await done(named, "post_bill", 4)).kind == "value"
    assert (await done(named, "look_up", 5, amount=5)).kind == "held"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_call_must_be_inside_every_window(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at = office(world, {"days": ["sat"], "effects": ["send"]})
    it_is(monkeypatch, "2026-03-27T10:00:00+00:00")
    refused = await done(at, "post_bill", 1)
    assert (refused.kind, refused.code) == ("failed", "window_never_opens")
    assert (await done(at, "set_status", 2)).kind == "value"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_zone_that_is_none_refuses(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    it_is(monkeypatch, "2026-03-27T10:00:00+00:00")
    assert (await done(office(world, zone="Europe/Atlantis"), "post_bill", 1)).code == "window_never_opens"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_rehearsal_does_not_wait_and_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    it_is(monkeypatch, FRIDAY_EVENING)
    outcome = await done(office(world).with_mode("sandbox"), "post_bill", 1)
    assert outcome.kind == "value"
    verdicts = world.step(world.call().key).verdicts
    assert [each["code"] for each in verdicts if each["policy"] == "window"] == ["outside_window"]


async def test_a_window_that_closes_while_a_call_waits_for_its_turn_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = office(world)
    it_is(monkeypatch, "2026-03-27T16:59:00+00:00")

    def closes(*_: Any) -> Any:
        it_is(monkeypatch, FRIDAY_EVENING)
        # Nothing was done, so it would be tried again; but it is too late for that now.
        return faults.fault(faults.UNREACHABLE, "Nobody answers.")

    world.link.behave = closes
    monkeypatch.setattr(asyncio, "sleep", _at_once)
    outcome = await done(at, "post_bill", 1)
    assert (outcome.kind, outcome.hold) == ("held", {"kind": "window", "until": MONDAY_MORNING})
    effect = world.effect(world.call().key)
    assert effect is not None
    assert (effect.state, len(world.link.sent)) == ("failed", 1)
    with world.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Alert)) == 0
    it_is(monkeypatch, MONDAY_MORNING)
    world.link.behave = lambda tool, args: {"ok": True}
    assert (await done(at, "post_bill", 1)).kind == "value"


async def _at_once(*_: Any) -> None:
    return None


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_an_act_cut_off_inside_is_asked_about_outside_and_not_put_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = office(world)
    moment = datetime(2026, 3, 27, 16, 59, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: moment)
    await killed(at, monkeypatch, "post_bill", 1)
    monkeypatch.setattr(clock, "now", lambda: moment + timedelta(minutes=2))
    outcome = await done(at, "post_bill", 1)
    assert (outcome.kind, (outcome.hold or {})["kind"]) == ("held", "reconciliation")
    assert len(world.link.sent) == 1
