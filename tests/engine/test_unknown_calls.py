"""A model that asks for a tool it was not given: nothing is called, and that it was tried is on record."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from signoff.kit import clock
from signoff.releases.breaches import FORBIDDEN, breaches
from signoff.tables.releases import Release
from tests.engine.conftest import Bench
from tests.engine.kit_engine import calling
from tests.engine.kit_family import scripts
from tests.engine.kit_shadow import on_trial, over


async def test_a_tool_that_is_not_there_is_refused_on_record_and_the_run_goes_on(bench: Bench):
    script = calling([("erp_burn", {"n": 1}), ("erp_look", {"n": 2})], "Then not.")
    run = await bench.over(bench.request(bench.house(script)))
    look, burn = sorted((step for step in bench.steps(run.id) if step.kind == "tool"), key=lambda step: step.name)
    assert (run.state, run.output, run.tool_calls) == ("completed", "Then not.", 1)
    assert (burn.name, burn.state, burn.code) == ("erp_burn", "refused", "not_granted")
    assert burn.request == {"slot": "", "tool": "erp_burn", "args": {"n": 1}}
    assert (burn.verdicts[-1]["policy"], burn.verdicts[-1]["kind"]) == ("grant", "deny")
    assert (look.name, look.state) == ("erp.look", "completed")
    assert bench.ledger.calls() == [("look", {"n": 2})]


async def test_a_tool_of_the_connection_that_was_not_granted_is_refused_on_record(bench: Bench):
    looks = [{"slot": "erp", "allow": [{"tool": "look"}]}]
    run = await bench.over(bench.request(bench.house(calling([("erp_pay", {"n": 1})], "Not mine."), tools=looks)))
    (pay,) = [step for step in bench.steps(run.id) if step.kind == "tool"]
    assert (run.state, pay.name, pay.state, pay.code) == ("completed", "erp_pay", "refused", "not_granted")
    assert bench.ledger.calls() == []


async def test_a_candidate_that_tries_a_tool_it_was_not_given_broke_an_invariant(bench: Bench):
    at = bench.house(calling("Fine."), rules={"flow": "off"})
    began = clock.now() - timedelta(minutes=1)
    with scripts(Decimal(1_000), candidate=calling([("erp_burn", {"n": 1})], "Fine.")):
        release = on_trial(bench.store, at, model={"name": "scripted:candidate"})
        await bench.over(bench.request(at))
        (pair,) = await over(bench.store, release)
    assert pair.state == "compared"
    with bench.store.read() as session:
        found = breaches(session, session.get_one(Release, release), began)
    assert found == {FORBIDDEN: 1}
