"""A leg that another worker works on: the one that was only asleep acts no more, and writes nothing into its steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from signoff.connectors import faults
from signoff.gateways.model.gateway import think
from signoff.gateways.standing import TakenOver
from signoff.gateways.tool.gateway import act
from signoff.kit import clock
from signoff.tables.limits import Reservation
from signoff.tables.runs import Leg, Run, Step
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask


@pytest.fixture
def at_work(world: World) -> World:
    """The world as the worker `first` knows it, whose leg it is."""
    run = world.run
    world.change(
        lambda session: session.add(
            Leg(
                run_id=run.run_id, number=1, workspace_id=run.workspace_id, state="running", worker="first", holds=[],
                started_at=clock.now(),
            )
        )
    )  # fmt: skip
    return replace(world, run=replace(run, worker="first"))


def _steps(world: World) -> int:
    with world.store.read() as session:
        return session.scalar(select(func.count()).select_from(Step)) or 0


def _take(world: World) -> None:
    world.change(lambda session: session.execute(update(Leg).values(worker="second")))


async def test_whose_leg_it_is_may_act(at_work: World, provider: FakeProvider) -> None:
    assert (await act(at_work.services, at_work.run, at_work.call(amount=1))).kind == "value"
    assert (await think(at_work.services, at_work.run, ask())).kind == "answered"


async def test_a_worker_whose_leg_was_taken_asks_nobody_anything(at_work: World, provider: FakeProvider) -> None:
    _take(at_work)
    with pytest.raises(TakenOver):
        await act(at_work.services, at_work.run, at_work.call(amount=1))
    with pytest.raises(TakenOver):
        await think(at_work.services, at_work.run, ask())
    assert (at_work.link.sent, provider.calls(), _steps(at_work)) == ([], 0, 0)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_leg_that_the_run_has_left_behind_acts_no_more(at_work: World) -> None:
    at_work.change(lambda session: session.execute(update(Run).values(leg=2)))
    with pytest.raises(TakenOver):
        await act(at_work.services, at_work.run, at_work.call(amount=1))
    assert at_work.link.sent == []


async def test_a_call_under_way_is_not_repeated_and_its_step_is_left_to_the_other(at_work: World) -> None:
    def taken(tool: str, args: dict[str, Any]) -> Exception:
        _take(at_work)
        return faults.fault(faults.UNREACHABLE, "Nobody answers.")

    at_work.link.behave = taken
    with pytest.raises(TakenOver):
        await act(at_work.services, at_work.run, at_work.call("look_up"))
    assert len(at_work.link.sent) == 1
    assert at_work.step(at_work.call().key).state == "running"


async def test_a_model_call_that_waited_is_not_sent_and_its_money_is_left_to_the_other(
    at_work: World, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asleep() -> None:
        _take(at_work)

    provider.will("gpt", fake.text("pong"))
    monkeypatch.setattr("signoff.gateways.model.asking.STALE_SECONDS", -1.0)
    sleepy = replace(at_work.services)
    monkeypatch.setattr(type(sleepy), "until_may_act", lambda _: asleep())
    with pytest.raises(TakenOver):
        await think(sleepy, at_work.run, ask())
    assert (provider.calls(), at_work.step("m:1:1").state) == (0, "running")
    with at_work.store.read() as session:
        assert session.scalars(select(Reservation.state)).all() == ["held"]
