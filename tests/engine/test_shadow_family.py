"""A candidate on trial calls another agent: that one's run is a shadow too, and nothing of it leaves."""

from __future__ import annotations

from decimal import Decimal

from tests.engine.conftest import Bench
from tests.engine.kit_engine import calling
from tests.engine.kit_family import children, helper, names, scripts
from tests.engine.kit_shadow import on_trial, over


async def test_what_a_shadow_asks_another_agent_for_is_a_shadow_and_does_nothing(bench: Bench):
    at = bench.house(calling("Shipped."), rules={"flow": "off"})
    helper(bench, at, "orders", rules={"flow": "off"})
    asks = calling([("ask_orders", {"input": "Where is it?"})], "Shipped.")
    posts = calling([("erp_post", {"n": 7})], "Sent today.")
    with scripts(Decimal(1_000), candidate=asks, orders=posts):
        release = on_trial(bench.store, at, model={"name": "scripted:candidate"}, sub_agents=[names("orders")])
        run = await bench.over(bench.request(at))
        (pair,) = await over(bench.store, release)
    shadow = bench.run(str(pair.shadow_run_id))
    (child,) = children(bench.store, shadow.id)
    assert (run.output, shadow.state, shadow.output) == ("Shipped.", "completed", "Shipped.")
    # The answer is the same; that another agent was asked for it is told.
    assert (pair.state, pair.is_equal) == ("compared", False)
    assert (child.state, child.mode, child.variant, child.release_id) == ("completed", "shadow", "shadow", release)
    # The child would have written: that is on record, and nothing was sent.
    (post,) = [step for step in bench.steps(child.id) if step.kind == "tool"]
    assert (child.output, post.state, post.verdicts[-1]["code"]) == ("Sent today.", "simulated", "simulated")
    assert (bench.ledger.writes(), bench.effects(child.id)) == ([], [])
    assert children(bench.store, run.id) == []
    assert child.cost_usd > 0
