"""Agents that call agents: one run for each call, one family of money, time, rights and labels."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from signoff.freezes.actions import order_freeze
from signoff.runs import actions
from signoff.tables.limits import SpendCounter
from tests.engine.conftest import Bench
from tests.engine.kit_engine import calling
from tests.engine.kit_family import (
    children,
    family,
    helper,
    key_that_may_start,
    names,
    noting,
    scripts,
    second,
    viewer_who_may_start,
)
from tests.engine.test_approvals import gated, requests, said

ASK = ("ask_orders", {"input": "Where is order 7?"})


async def test_a_call_to_another_agent_is_one_run_of_it_and_its_answer_is_the_tools_result(bench: Bench):
    told: list[Any] = []
    at = bench.house(noting(calling([ASK], "It is on its way."), told), sub_agents=[names("orders")])
    helper(bench, at, "orders")
    with scripts(orders=calling([("erp_look", {"n": 7})], "Shipped on Monday.")):
        run = await bench.over(bench.request(at))
    assert (run.state, run.output, run.leg) == ("completed", "It is on its way.", 2)
    assert told == [("success", "Shipped on Monday.")]
    (child,) = children(bench.store, run.id)
    assert (child.state, child.output, child.input) == ("completed", "Shipped on Monday.", "Where is order 7?")
    assert (child.parent_run_id, child.root_run_id, child.depth) == (run.id, run.id, 1)
    assert (run.child_runs, child.environment_id, child.mode) == (1, run.environment_id, "live")
    assert bench.ledger.calls() == [("look", {"n": 7})]
    (step,) = [one for one in bench.steps(run.id) if one.kind == "tool"]
    assert (step.name, step.state, step.detail["child"], step.attempts) == ("ask_orders", "completed", child.id, 2)
    assert [said["policy"] for said in step.verdicts][:2] == ["revocation", "grant"]


async def test_several_agents_are_asked_at_once_and_the_run_goes_on_when_the_last_is_done(bench: Bench):
    told: list[Any] = []
    asks = [ASK, ("ask_mails", {"input": "Any mail?"}), ("erp_look", {"n": 1})]
    at = bench.house(noting(calling(asks, "All done."), told), sub_agents=[names("orders"), names("mails")])
    helper(bench, at, "orders")
    helper(bench, at, "mails")
    with scripts(orders=calling("Shipped."), mails=calling([("erp_look", {"n": 2})], "None.")):
        run = await bench.over(bench.request(at))
    assert (run.state, run.output) == ("completed", "All done.")
    assert sorted(str(content) for _, content in told) == sorted(["Shipped.", "None.", "{'ok': {'n': 1}}"])
    assert {one.agent_slug for one in children(bench.store, run.id)} == {"orders", "mails"}
    assert run.leg == 2


async def test_what_another_agent_could_not_do_is_told_and_worked_around(bench: Bench):
    told: list[Any] = []
    at = bench.house(noting(calling([ASK], "I could not find out."), told), sub_agents=[names("orders")])
    helper(bench, at, "orders", limits={"turns": 1})
    with scripts(orders=calling([("erp_look", {"n": 1})], "Never said.")):
        run = await bench.over(bench.request(at))
    (child,) = children(bench.store, run.id)
    assert (run.state, run.output) == ("completed", "I could not find out.")
    assert (child.state, child.needs_attention) == ("failed", False)
    assert told[0][0] == "failed"
    assert told[0][1].startswith("orders could not do it: ")


async def test_the_family_goes_as_deep_as_it_may_and_its_cost_is_counted_once(bench: Bench):
    at = bench.house(calling([("ask_two", {"input": "a"})], "One."), sub_agents=[names("two")])
    helper(bench, at, "two", sub_agents=[names("three")])
    helper(bench, at, "three", sub_agents=[names("four")])
    helper(bench, at, "four", sub_agents=[names("five")])
    helper(bench, at, "five")
    told: list[Any] = []
    with scripts(
        two=calling([("ask_three", {"input": "b"})], "Two."),
        three=calling([("ask_four", {"input": "c"})], "Three."),
        four=noting(calling([("ask_five", {"input": "d"})], "Four."), told),
        five=calling("Five."),
    ):
        run = await bench.over(bench.request(at))
    assert run.state == "completed"
    kin = family(bench.store, run.id)
    assert [one.agent_slug for one in kin.below(run.id)] == ["two", "three", "four"]
    assert "limits.sub_agent_depth" in str(told)
    assert kin.cost_usd(run.id) == sum(one.cost_usd for one in kin.runs.values())


async def test_an_agent_never_works_for_itself_at_run_time_either(bench: Bench):
    told: list[Any] = []
    at = bench.house(calling([ASK], "Done."), sub_agents=[names("orders")])
    helper(bench, at, "orders", sub_agents=[names("clerk")])
    with scripts(orders=noting(calling([("ask_clerk", {"input": "You do it."})], "So be it."), told)):
        run = await bench.over(bench.request(at))
    assert run.state == "completed"
    assert len(family(bench.store, run.id).runs) == 2
    assert told[0][0] == "failed"
    assert "clerk → orders → clerk goes in a circle" in told[0][1]


async def test_no_more_runs_come_of_one_than_it_allows(bench: Bench):
    told: list[Any] = []
    asks = [("ask_orders", {"input": str(number)}) for number in range(4)]
    at = bench.house(
        noting(calling(asks, "Done."), told), sub_agents=[names("orders")], limits={"sub_agent_runs": 3}
    )  # fmt: skip
    helper(bench, at, "orders")
    with scripts(orders=calling("Here.")):
        run = await bench.over(bench.request(at))
    assert len(children(bench.store, run.id)) == 3
    assert sum(outcome == "failed" and "limits.sub_agent_runs" in content for outcome, content in told) == 1


async def test_arguments_that_the_other_agent_does_not_take_are_corrected_before_anything_runs(bench: Bench):
    schema = {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}
    script = calling([("ask_orders", {"order": "seven"})], [("ask_orders", {"order": 7})], "Done.")
    at = bench.house(script, sub_agents=[names("orders")])
    helper(bench, at, "orders", input_schema=schema)
    with scripts(orders=calling("Here.")):
        run = await bench.over(bench.request(at))
    assert run.state == "completed"
    assert [one.input for one in children(bench.store, run.id)] == [{"order": 7}]


async def test_cancelling_a_run_that_waits_cancels_what_it_asked_for(bench: Bench):
    at = bench.house(calling([ASK], "Done."), sub_agents=[names("orders")])
    helper(bench, at, "orders", asking={"questions": True})
    question = {"questions": [{"question": "Which one?"}]}
    with scripts(orders=calling([("ask_person", question)], "Here.")):
        run = await bench.waiting(bench.request(at))
        assert (run.waiting_for, run.needs_attention, run.code) == ("sub_agent", False, "waits_for_sub_agent")
        (child,) = children(bench.store, run.id)
        child = await bench.waiting(child.id)
        assert (child.waiting_for, child.needs_attention) == ("question", True)
        await bench.store.run(lambda: _cancel(bench, at, run.id))
        child = await bench.over(child.id)
    assert (child.state, child.code) == ("cancelled", "parent_ended")
    assert "clerk" in (child.reason or "")
    assert bench.run(run.id).state == "cancelled"


def _cancel(bench: Bench, at: Any, run_id: str) -> None:
    with bench.store.write() as session:
        actions.cancel_run(session, at.who, run_id)


async def test_a_run_whose_child_is_called_off_goes_on_and_is_told(bench: Bench):
    told: list[Any] = []
    at = bench.house(noting(calling([ASK], "Then not."), told), sub_agents=[names("orders")])
    helper(bench, at, "orders", asking={"questions": True})
    with scripts(orders=calling([("ask_person", {"questions": [{"question": "Which?"}]})], "Here.")):
        run = await bench.waiting(bench.request(at))
        (child,) = children(bench.store, run.id)
        await bench.waiting(child.id)
        await bench.store.run(lambda: _cancel(bench, at, child.id))
        run = await bench.over(run.id)
    assert (run.state, run.output) == ("completed", "Then not.")
    assert told[0][0] == "failed"
    assert told[0][1].startswith("orders could not") is False
    assert "called off" in told[0][1]


async def test_stopping_an_agent_stops_what_it_asked_others_for(bench: Bench):
    at = bench.house(calling([ASK], "Done."), sub_agents=[names("orders")])
    helper(bench, at, "orders", asking={"questions": True})
    with scripts(orders=calling([("ask_person", {"questions": [{"question": "Which?"}]})], "Here.")):
        runs = [bench.request(at) for _ in range(3)]
        asked = []
        for run_id in runs:
            await bench.waiting(run_id)
            (child,) = children(bench.store, run_id)
            await bench.waiting(child.id)
            asked.append(child.id)

        def stop() -> None:
            with bench.store.write() as session:
                actions.stop_agent(session, at.who, at.agent_id, reason="enough")

        await bench.store.run(stop)
        ended = [await bench.over(run_id) for run_id in [*runs, *asked]]
    assert {one.state for one in ended} == {"cancelled"}


async def test_the_money_of_a_child_is_its_parents_too_and_counted_once(bench: Bench):
    at = bench.house(calling("unused"))
    helper(bench, at, "desk", sub_agents=[names("orders")])
    helper(bench, at, "orders")
    with scripts(Decimal(100), desk=calling([ASK], "Done."), orders=calling([("erp_look", {"n": 1})], "Here.")):
        run = await bench.over(bench.request(at, agent="desk"))
    (child,) = children(bench.store, run.id)
    assert (run.state, child.state) == ("completed", "completed")
    assert child.cost_usd > 0
    assert run.cost_usd > 0
    with bench.store.read() as session:
        spent = {pot: session.get_one(SpendCounter, pot).spent_usd for pot in (f"run:{run.id}", f"run:{child.id}")}
        day = session.scalars(select(SpendCounter).where(SpendCounter.pot.startswith(f"day:{at.workspace_id}"))).one()
    assert spent == {f"run:{run.id}": run.cost_usd + child.cost_usd, f"run:{child.id}": child.cost_usd}
    assert day.spent_usd == run.cost_usd + child.cost_usd
    assert family(bench.store, run.id).cost_usd(run.id) == run.cost_usd + child.cost_usd


async def test_a_child_stops_when_its_parent_has_nothing_left_to_spend(bench: Bench):
    told: list[Any] = []
    at = bench.house(calling("unused"))
    helper(bench, at, "desk", sub_agents=[names("orders")], limits={"cost_usd": "0.05"})
    helper(bench, at, "orders", limits={"cost_usd": "5"})
    endless = calling(*[[("erp_look", {"n": number})] for number in range(30)], "Never.")
    with scripts(Decimal(100), desk=noting(calling([ASK], "Too dear."), told), orders=endless):
        run = await bench.waiting(bench.request(at, agent="desk"))
        (child,) = children(bench.store, run.id)
        child = await bench.over(child.id)
        run = await bench.until(run.id, lambda one: one.waiting_for == "budget", "a raise")
    assert (child.state, child.code) == ("failed", "parent_budget_exceeded")
    assert child.cost_usd + run.cost_usd < Decimal("0.15")
    assert run.code == "needs_budget"


async def test_tokens_of_children_count_to_the_limit_of_whoever_asked(bench: Bench):
    at = bench.house(calling([ASK], "Done."), sub_agents=[names("orders")], limits={"tokens": 400})
    helper(bench, at, "orders")
    endless = calling(*[[("erp_look", {"n": number})] for number in range(30)], "Never.")
    with scripts(orders=endless):
        run = await bench.over(bench.request(at))
    (child,) = children(bench.store, run.id)
    assert (child.state, child.code) == ("failed", "parent_tokens_exceeded")
    assert (run.state, run.code) == ("failed", "tokens_exceeded")


async def test_what_is_frozen_or_switched_off_above_binds_below(bench: Bench):
    told: list[Any] = []
    at = bench.house(calling([ASK], "Done."), sub_agents=[names("orders")])
    helper(bench, at, "orders")
    with bench.store.write() as session:
        order_freeze(session, at.who, scope="agent", target_id=at.agent_id, reason="look first")
    with scripts(orders=noting(calling([("erp_post", {"n": 1})], "Not posted."), told)):
        run = await bench.over(bench.request(at))
    assert run.state == "completed"
    assert bench.ledger.calls("post") == []
    assert told[0][0] == "failed"
    assert "is frozen" in told[0][1]


async def test_whoever_may_not_start_an_agent_may_not_through_another_one(bench: Bench):
    told: list[Any] = []
    at = bench.house(noting(calling([ASK], "Not allowed."), told), sub_agents=[names("orders")])
    helper(bench, at, "orders")
    cora = viewer_who_may_start(bench, at, at.agent_id)
    with bench.store.write() as session:
        run_id = actions.request_run(session, cora, agent="clerk", input="Please.").id
    with scripts(orders=calling("Here.")):
        run = await bench.over(run_id)
    assert run.state == "completed"
    assert children(bench.store, run.id) == []
    assert told == [("failed", "Cora, for whom this run works, may not start orders.")]


async def test_a_gated_call_asks_first_and_then_asks_the_other_agent_what_was_approved(bench: Bench):
    told: list[Any] = []
    script = noting(calling([ASK], "Done."), told)
    at = gated(bench, script, gate={"tools": ["ask_orders"]}, sub_agents=[names("orders")])
    helper(bench, at, "orders")
    with scripts(orders=calling("Here.")):
        run = await bench.waiting(bench.request(at))
        assert run.waiting_for == "approval"
        assert children(bench.store, run.id) == []
        (request,) = requests(bench, run.id)
        await said(bench, at, request, "approve", args={"input": "Where is order 8?"})
        run = await bench.over(run.id)
    (child,) = children(bench.store, run.id)
    assert (run.state, child.input) == ("completed", "Where is order 8?")
    assert told[0][1]["arguments"] == "Where is order 8?"
    assert told[0][1]["result"] == "Here."


async def test_a_child_reads_with_the_suspicion_of_its_parent_and_passes_on_its_own(bench: Bench):
    at = bench.house(calling([ASK], "Done."), sub_agents=[names("orders")])
    helper(bench, at, "orders")
    with scripts(orders=calling([("erp_look", {"n": 7})], "Shipped.")):
        run = await bench.over(bench.request(at, source="manual"))
    (child,) = children(bench.store, run.id)
    assert child.flow is not None
    assert child.flow.get("untrusted") == 1
    assert 0 not in child.flow.values()
    assert run.flow is not None
    assert run.flow.get("untrusted") == 1


async def test_a_test_run_asks_another_agent_for_a_test_run(bench: Bench):
    at = bench.house(calling([ASK], "Done."), sub_agents=[names("orders")])
    helper(bench, at, "orders")
    with scripts(orders=calling([("erp_post", {"n": 7})], "Posted.")):
        run = await bench.over(bench.request(at, origin="test"))
    (child,) = children(bench.store, run.id)
    assert (run.mode, child.mode, child.origin) == ("sandbox", "sandbox", "test")
    assert bench.ledger.calls("post") == []


async def test_a_pinned_child_stays_and_one_that_follows_gets_what_serves(bench: Bench):
    at = bench.house(
        calling([ASK, ("ask_first", {"input": "a"})], "Done."),
        sub_agents=[names("orders"), {**names("orders", 1), "tool": "ask_first"}],
    )
    helper(bench, at, "orders")
    second(bench, at, "orders", sop="Do it otherwise.")
    with scripts(orders=calling("Here.")):
        run = await bench.over(bench.request(at))
    assert sorted((one.revision_number, one.variant) for one in children(bench.store, run.id)) == [
        (1, "pinned"), (2, "live"),
    ]  # fmt: skip


async def test_a_child_may_not_outlast_its_parent(bench: Bench):
    at = bench.house(calling([ASK], "Done."), sub_agents=[names("orders")], limits={"wall_seconds": 100})
    helper(bench, at, "orders", limits={"wall_seconds": 3_000})
    with scripts(orders=calling("Here.")):
        run = await bench.over(bench.request(at))
    (child,) = children(bench.store, run.id)
    assert child.deadline_at is not None
    assert child.started_at is not None
    assert (child.deadline_at - child.started_at).total_seconds() <= 100


async def test_a_key_that_may_not_start_an_agent_may_not_through_another_one_however_deep(bench: Bench):
    told: list[Any] = []
    at = bench.house(calling([ASK], "Done."), sub_agents=[names("orders")])
    helper(bench, at, "orders", sub_agents=[names("prices")])
    prices = helper(bench, at, "prices")
    robot = key_that_may_start(bench, at, without=prices)
    with bench.store.write() as session:
        run_id = actions.request_run(session, robot, agent="clerk", input="Please.").id
    with scripts(orders=noting(calling([("ask_prices", {"input": "a"})], "Not all."), told), prices=calling("Here.")):
        run = await bench.over(run_id)
    (child,) = children(bench.store, run.id)
    assert (run.state, child.requested_with, child.agent_slug) == ("completed", robot.key_id, "orders")
    assert children(bench.store, child.id) == []
    assert told == [("failed", "Cora, key Robot, for whom this run works, may not start prices.")]
