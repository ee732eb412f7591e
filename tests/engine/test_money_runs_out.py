"""A run that reaches its own limit asks for more and goes on from where it was; other limits end it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from signoff.approvals.actions import decide
from signoff.budgets.caps import set_price
from signoff.budgets.defaults import Defaults
from signoff.budgets.limits import Change, set_limits
from signoff.budgets.windows import span_at
from signoff.kit import clock
from signoff.kit.errors import Malformed
from signoff.people.access import Principal
from signoff.tables.approvals import Approval
from signoff.tables.record import AuditRow
from tests.engine.conftest import Bench
from tests.engine.kit_engine import House, turns
from tests.rooms.agents import kit_agents

# So dear that one call costs more than the cent a run may cost.
PRICE = Decimal(1_000)


def priced(bench: Bench, *said: Any, cost_usd: str = "0.01", origin: str = "production") -> tuple[House, Principal]:
    """An agent whose every call costs more than a cent, and an administrator of its workspace."""
    at = bench.house(turns(*said), limits={"cost_usd": cost_usd})
    boss = kit_agents.person(bench.store, kit_agents.Place(at.workspace_id, {}), "Boss", "administrator")
    with bench.store.write() as session:
        set_price(session, at.who, model="scripted:test", input_usd=PRICE, output_usd=PRICE)
    return at, boss


def request_of(bench: Bench, run_id: str) -> Approval:
    with bench.store.read() as session:
        return session.scalars(select(Approval).where(Approval.run_id == run_id).order_by(Approval.id.desc())).first()  # pyright: ignore[reportReturnType]


async def test_at_its_limit_a_run_waits_and_goes_on_with_what_it_is_given(bench: Bench):
    at, boss = priced(bench, [("post", {"n": 1})], "Done.")
    run = await bench.waiting(bench.request(at))
    assert (run.waiting_for, run.code) == ("budget", "needs_budget")
    asked = request_of(bench, run.id)
    assert (asked.kind, asked.state, asked.asked_by_policy) == ("budget", "pending", "budget")
    assert asked.title.startswith("Raise the limit of this run by $")
    assert len(bench.ledger.calls("post")) == 1
    with bench.store.write() as session:
        given = decide(session, boss, asked.id, verdict="approve", amount_usd=Decimal(5))
    assert given.is_resumed
    ended = await bench.over(run.id)
    assert (ended.state, ended.output, ended.raised_usd, ended.leg) == ("completed", "Done.", Decimal(5), 2)
    # What was done before was not done again.
    assert len(bench.ledger.calls("post")) == 1
    with bench.store.read() as session:
        (raised,) = session.scalars(select(AuditRow.detail).where(AuditRow.action == "run.cap_raised")).all()
    assert raised == {"amount_usd": "5"}


async def test_denied_the_run_fails_for_its_money(bench: Bench):
    at, boss = priced(bench, [("look", {"n": 1})], "Done.")
    run = await bench.waiting(bench.request(at))
    with bench.store.write() as session:
        decide(session, boss, request_of(bench, run.id).id, verdict="deny", reason="It is in a loop.")
    ended = await bench.over(run.id)
    assert (ended.state, ended.code, ended.raised_usd) == ("failed", "run_budget_exceeded", 0)
    assert "It is in a loop." in (ended.reason or "")


async def test_given_too_little_it_asks_again(bench: Bench):
    at, boss = priced(bench, [("look", {"n": 1})], [("look", {"n": 2})], "Done.")
    run = await bench.waiting(bench.request(at))
    first = request_of(bench, run.id)
    for little in ("0.0000001", "0.009", "0", "-1"):
        with pytest.raises(Malformed) as refused, bench.store.write() as session:
            decide(session, boss, first.id, verdict="approve", amount_usd=Decimal(little))
        assert refused.value.detail == "The least that can be given is $0.01."
    with bench.store.write() as session:
        decide(session, boss, first.id, verdict="approve", amount_usd=Decimal("0.01"))
    run = await bench.until(run.id, lambda run: run.waiting_for == "budget" and run.leg == 2, "waiting again")
    second = request_of(bench, run.id)
    assert second.id != first.id
    with bench.store.write() as session:
        decide(session, boss, second.id, verdict="approve", amount_usd=Decimal(50))
    assert (await bench.over(run.id)).state == "completed"


async def test_nobody_gives_more_than_the_other_limits_leave(bench: Bench):
    at, boss = priced(bench, [("look", {"n": 1})], "Done.")
    with bench.store.write() as session:
        set_limits(session, at.who, Defaults(), Change("agent", "clerk", caps={"day": Decimal(3)}))
    run = await bench.waiting(bench.request(at))
    asked = request_of(bench, run.id)
    with pytest.raises(Malformed) as refused, bench.store.write() as session:
        decide(session, boss, asked.id, verdict="approve", amount_usd=Decimal(4))
    assert "Raise those first" in refused.value.detail
    assert bench.run(run.id).state == "waiting"
    with bench.store.write() as session:
        decide(session, boss, asked.id, verdict="approve", amount_usd=Decimal(1))
    assert (await bench.over(run.id)).state == "completed"


async def test_a_test_run_asks_nobody_and_fails(bench: Bench):
    at, _ = priced(bench, [("look", {"n": 1})], "Done.")
    for more in ({"origin": "test"}, {"mode": "sandbox"}):
        ended = await bench.over(bench.request(at, **more))
        assert (ended.state, ended.code) == ("failed", "run_budget_exceeded")
        assert request_of(bench, ended.id) is None


async def test_a_day_that_is_used_up_ends_a_run_and_rejects_the_next(bench: Bench):
    at, _ = priced(bench, [("look", {"n": 1})], "Done.", cost_usd="10")
    with bench.store.write() as session:
        set_limits(session, at.who, Defaults(), Change("agent", "clerk", caps={"week": Decimal("0.01")}))
    ended = await bench.over(bench.request(at))
    assert (ended.state, ended.code) == ("failed", "agent_budget_exceeded")
    after = await bench.over(bench.request(at))
    assert (after.state, after.code, after.started_at) == ("rejected", "agent_budget_exceeded", None)
    assert "in a week is $0.01" in (after.reason or "")
    assert bench.steps(after.id) == []
    week = span_at("week", "UTC", clock.now()).key
    assert (await bench.alert(f"budget_used_up:agent-week-all:{at.agent_id}:{week}")).kind == "budget_used_up"
