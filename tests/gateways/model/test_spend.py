"""Money: held before, settled after, never past a cap by more than one call, whatever happens at once."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from signoff.budgets.actions import settle_left_over
from signoff.budgets.queries import spent
from signoff.gateways.model.gateway import think
from signoff.kit import clock
from signoff.tables.limits import Reservation, SpendCounter
from signoff.tables.runs import Run, Step
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask, until

# 900 tokens in at $3 and 200 out at $15 a million.
ONE_CALL = Decimal("0.0057")


def _run_spend(world: World) -> tuple[Decimal, Decimal]:
    with world.store.read() as session:
        found = spent(session, f"run:{world.run.run_id}")
        return found.spent_usd, found.held_usd


def _day_spend(world: World) -> tuple[Decimal, Decimal]:
    with world.store.read() as session:
        (row,) = session.query(SpendCounter).where(SpendCounter.pot.like("day:%")).all()
        return row.spent_usd, row.held_usd


async def test_a_call_costs_what_it_used(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.text("pong"))
    await think(world.services, world.run, ask())
    step, run = world.step("m:1:1"), world.row()
    assert step.cost_usd == run.cost_usd == ONE_CALL
    assert (step.tokens_in, step.tokens_out) == (run.tokens_in, run.tokens_out) == (900, 200)
    assert _run_spend(world) == _day_spend(world) == (ONE_CALL, Decimal(0))


async def test_a_loop_for_ever_stops_at_its_cap_and_one_call(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.loop())
    world = world.with_body(limits={"cost_usd": "0.50", "turns": 1000}, model={"settings": {"max_tokens": 1000}})
    outcome, number = await think(world.services, world.run, ask()), 1
    while outcome.kind == "answered":
        number += 1
        outcome = await think(world.services, world.run, ask(number=number))
    assert outcome.code == "run_budget_exceeded"
    assert "limits.cost_usd" in (outcome.reason or "")
    total, held = _run_spend(world)
    assert provider.calls() * ONE_CALL == total <= Decimal("0.50") + ONE_CALL
    assert total >= Decimal("0.48")
    assert held == 0


async def test_eight_runs_against_one_daily_cap_pass_it_by_one_call_at_most(
    world: World, provider: FakeProvider
) -> None:
    provider.will("gpt", fake.loop())
    cap = Decimal("0.20")
    world.with_daily_cap(cap)
    body = world.with_body(limits={"turns": 1000}, model={"settings": {"max_tokens": 1000}})

    async def run_on(one: World) -> str | None:
        for number in range(1, 1_000):
            outcome = await think(one.services, one.run, ask(number=number))
            if outcome.kind != "answered":
                return outcome.code
        return None

    ends = await asyncio.gather(*(run_on(body.another_run()) for _ in range(8)))
    assert set(ends) == {"day_budget_exceeded"}
    total, held = _day_spend(world)
    assert total == provider.calls() * ONE_CALL
    assert total <= cap + ONE_CALL
    assert held == 0


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_hold_left_by_a_crash_is_taken_over_by_the_same_step(world: World, provider: FakeProvider) -> None:
    """The process dies in the middle of a call: its hold stands, and the call runs again in the next process."""
    provider.will("gpt", fake.hang(), fake.text("pong"))
    call = asyncio.create_task(think(world.services, world.run, ask()))
    await until(lambda: provider.calls() == 1)
    _, held = _run_spend(world)
    assert held > 0
    assert (await think(world.services, world.run, ask())).kind == "answered"
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    with world.store.read() as session:
        rows = session.query(Reservation).where(Reservation.run_id == world.run.run_id).all()
    assert [row.state for row in rows] == ["settled"]
    assert _run_spend(world) == (ONE_CALL, Decimal(0))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_cancelled_call_counts_as_spent_in_full(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.hang())
    call = asyncio.create_task(think(world.services, world.run, ask()))
    await until(lambda: provider.calls() == 1)
    _, held = _run_spend(world)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert _run_spend(world) == (held, Decimal(0))
    step, run = world.step("m:1:1"), world.row()
    assert (step.cost_usd, step.detail["is_cost_estimated"]) == (held, True)
    assert (run.cost_usd, run.model_calls) == (held, 1)


async def test_an_estimate_that_was_booked_stands_when_the_answer_comes_after_all(
    world: World, provider: FakeProvider
) -> None:
    """The run was ended elsewhere while this call hung, and its hold was booked; then the provider answers."""
    is_over = threading.Event()

    def late(body: dict[str, Any], number: int) -> fake.Reply:
        is_over.wait(20)
        return fake.text("pong")(body, number)

    provider.will("gpt", late)
    call = asyncio.create_task(think(world.services, world.run, ask()))
    await until(lambda: provider.calls() == 1)
    _, held = _run_spend(world)
    world.change(lambda session: settle_left_over(session, world.run.run_id))
    world.change(lambda session: session.execute(update(Step).values(ended_at=clock.now(), code="cut_off")))
    is_over.set()
    assert (await call).kind == "answered"
    step, run = world.step("m:1:1"), world.row()
    assert (step.state, step.detail["is_cost_estimated"]) == ("completed", True)
    assert step.cost_usd == run.cost_usd == held
    assert (_run_spend(world), run.tokens_in) == ((held, Decimal(0)), 900)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_answers_that_broke_off_are_booked_with_their_input(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.truncated(fake.text("pong"), 200), fake.text("pong"))
    await think(world.services, world.run, ask("x" * 30_000))
    step = world.step("m:1:1")
    assert (step.cost_usd or 0) > ONE_CALL + Decimal("0.02")
    assert step.detail["is_usage_estimated"] is True
    assert _run_spend(world) == (step.cost_usd, Decimal(0))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_refused_call_costs_nothing(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.wrong_key())
    await think(world.services, world.run, ask())
    assert _run_spend(world) == (Decimal(0), Decimal(0))
    assert world.step("m:1:1").cost_usd is None


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_an_unknown_price_is_said_and_never_zero(world: World, provider: FakeProvider) -> None:
    configured = world.settings.providers["fake"]
    configured.input_usd_per_million = configured.output_usd_per_million = None
    configured.base_url = provider.base_url.replace("127.0.0.1", "127.0.0.1")
    world.services.prices.price("fake:gpt")
    assert world.services.prices.price("fake:gpt").source == "local"
    configured.base_url = "https://models.example.com/v1"
    world.services.providers.model("fake:gpt")  # Not asked: only its price is of interest here.
    assert not world.services.prices.price("fake:gpt").is_known


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_call_whose_price_nobody_knows_marks_step_and_run(
    world: World, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from signoff.gateways.model import prices

    monkeypatch.setattr(prices.Prices, "price", lambda *_: prices.UNKNOWN)
    await think(world.services, world.run, ask())
    step = world.step("m:1:1")
    assert step.cost_usd is None
    assert step.detail["is_price_unknown"] is True
    with world.store.read() as session:
        assert session.get_one(Run, world.run.run_id).is_price_unknown is True


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_refused_answer_costs_what_the_provider_says_it_used(world: World, provider: FakeProvider) -> None:
    """Tried again elsewhere, and booked for each attempt."""
    world = world.with_body(model={"fallbacks": ["other:gpt2"]})
    filtered = {"content": None}
    provider.will("gpt", lambda body, number: fake.completion(body, filtered, finish="content_filter"))
    provider.will("gpt2", fake.text("pong"))
    await think(world.services, world.run, ask())
    step = world.step("m:1:1")
    assert (step.cost_usd, step.tokens_in, step.tokens_out) == (2 * ONE_CALL, 1_800, 400)
    assert step.detail["is_usage_estimated"] is False


async def test_the_call_after_one_that_was_billed_beyond_its_limit_reserves_as_much(
    world: World, provider: FakeProvider
) -> None:
    body = world.with_body(model={"settings": {"max_tokens": 1_000}})
    provider.will("gpt", fake.text("pong", usage=(900, 40_000)), fake.hang())
    await think(body.services, body.run, ask())
    surprise = Decimal("0.6027")
    assert _run_spend(world) == (surprise, Decimal(0))

    call = asyncio.create_task(think(body.services, body.run, ask(number=2)))
    await until(lambda: provider.calls() == 2)
    assert _run_spend(world) == (surprise, surprise)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_call_within_its_limit_ends_the_larger_reservations(world: World, provider: FakeProvider) -> None:
    body = world.with_body(model={"settings": {"max_tokens": 1_000}})
    provider.will("gpt", fake.text("pong", usage=(900, 40_000)), fake.text("pong"), fake.hang())
    for number in (1, 2):
        await think(body.services, body.run, ask(number=number))
    call = asyncio.create_task(think(body.services, body.run, ask(number=3)))
    await until(lambda: provider.calls() == 3)
    assert Decimal("0.015") < _run_spend(world)[1] < Decimal("0.016")
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def test_eight_runs_on_a_provider_that_bills_beyond_its_limit_pass_a_cap_by_the_calls_under_way_at_most(
    world: World, provider: FakeProvider
) -> None:
    provider.will("gpt", fake.loop(usage=(900, 4_000)))
    one_call, cap = Decimal("0.0627"), Decimal("1.00")
    world.with_daily_cap(cap)
    body = world.with_body(limits={"turns": 1000}, model={"settings": {"max_tokens": 100}})

    async def run_on(one: World) -> str | None:
        for number in range(2, 1_000):
            outcome = await think(one.services, one.run, ask(number=number))
            if outcome.kind != "answered":
                return outcome.code
        return None

    runs = [body.another_run() for _ in range(8)]
    first = await asyncio.gather(*(think(one.services, one.run, ask(number=1)) for one in runs))
    assert {outcome.kind for outcome in first} == {"answered"}
    ends = await asyncio.gather(*(run_on(one) for one in runs))
    total, held = _day_spend(world)
    assert set(ends) == {"day_budget_exceeded"}
    assert total == provider.calls() * one_call
    # What the first calls taught holds for all that follow: from there on it is one call, as ever.
    assert total <= cap + one_call
    assert held == 0
