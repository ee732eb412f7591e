"""What the items of the gate say of golden datasets. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from signoff.evaluations.golden import GoldenFact
from signoff.watch.probes.evaluate import judged
from signoff.watch.probes.evidence import ProbeResult
from signoff.watch.probes.facts import ProbeFacts, Served
from signoff.watch.probes.policy import default_policy
from tests.rooms.watch.kit_probes import GOOD, evidence
from tests.rooms.watch.kit_probes import LIVE as SERVING

NOW = GOOD.now
LIVE = "rev_live"


def fact(**changes: Any) -> GoldenFact:
    known: dict[str, Any] = {
        "dataset_id": "dst_1", "name": "Cases", "version": 2, "every": "day", "is_of_each_revision": False,
        "evaluation_id": "evl_1", "dataset_version": 2, "baseline_revision_id": LIVE, "verdict": "promotable",
        "reason": "", "score": 0.9, "baseline_score": 0.8, "ended_at": NOW - timedelta(hours=1), **changes,
    }  # fmt: skip
    return GoldenFact(**known)


def said(name: str, *golden: GoldenFact, live: tuple[GoldenFact, ...] = ()) -> ProbeResult:
    """Return what one item says where these are the golden datasets."""
    served = replace(GOOD.served, live_revision_id=LIVE, live_number=3)
    facts: ProbeFacts = replace(GOOD, served=served, golden=golden, golden_live=live or golden)
    results = judged(facts, default_policy(), {}).results
    return next(one for one in results if one.probe == name)


def test_without_a_golden_dataset_it_warns_and_keeps_nothing_back():
    found = said("evaluation.golden")
    assert (found.status, found.severity) == ("missing", "warn")


def test_a_promotable_evaluation_beside_what_serves_is_enough():
    found = said("evaluation.golden", fact())
    assert (found.status, found.severity) == ("true", "block")
    assert "0.900" in found.measured
    assert "evl_1" in found.measured


def test_each_golden_dataset_has_to_be_evaluated():
    found = said("evaluation.golden", fact(), fact(name="Others", evaluation_id=None))
    assert (found.status, found.severity) == ("missing", "block")
    assert "Others" in found.measured


def test_an_evaluation_on_other_examples_is_none():
    found = said("evaluation.golden", fact(), fact(name="Others", version=3))
    assert (found.status, found.measured) == (
        "missing", f"Other examples are in Others by now. Evaluate revision {GOOD.number} again.",
    )  # fmt: skip


def test_what_real_runs_cost_stands_beside_the_evaluation_of_all_examples():
    golden = (
        fact(cost_usd=Decimal(1), examples=10),
        fact(cost_usd=Decimal("0.2"), examples=2),
        fact(evaluation_id=None),
    )
    facts = replace(SERVING, golden=golden)
    costs = [replace(one, cost_usd=Decimal("0.1")) for one in facts.since_live]
    found = cost_of(replace(facts, here=costs))
    assert (found.status, found.measured) == ("true", "$0.1 a run on average against $0.1 in its evaluation.")
    dear = cost_of(replace(facts, here=[replace(costs[0], cost_usd=Decimal(2)), *costs[1:]]))
    assert (dear.status, "against $0.1 in its evaluation" in dear.measured) == ("false", True)


def cost_of(facts: ProbeFacts) -> ProbeResult:
    return next(one for one in evidence(facts, "after").results if one.probe == "after.cost")


def test_one_that_is_not_promotable_keeps_it_back_with_its_reason():
    found = said("evaluation.golden", fact(verdict="not_promotable", reason="It fails.", critical_lost=2))
    assert found.status == "false"
    assert "2 critical examples lost" in found.measured
    assert "It fails." in found.measured


def test_what_was_compared_with_what_served_before_is_evaluated_again():
    found = said("evaluation.golden", fact(baseline_revision_id="rev_old"))
    assert found.status == "false"
    assert "revision 3" in found.measured


def test_an_old_evaluation_is_stale():
    assert said("evaluation.golden", fact(ended_at=NOW - timedelta(days=40))).status == "stale"


def test_a_baseline_is_what_is_measured_again_in_time():
    assert said("evaluation.baseline", fact()).status == "true"
    assert said("evaluation.baseline", fact(every=None)).status == "false"
    assert said("evaluation.baseline", fact(ended_at=NOW - timedelta(days=3))).status == "false"
    assert said("evaluation.baseline", fact(evaluation_id=None, ended_at=None)).status == "missing"


def test_a_pipeline_is_what_runs_without_a_hand():
    assert said("evaluation.pipeline", fact()).status == "true"
    assert said("evaluation.pipeline", fact(every=None)).status == "false"


def test_nothing_served_is_no_fault():
    served = Served()
    facts = replace(GOOD, served=served, golden=(fact(baseline_revision_id=None, baseline_score=None),))
    results = judged(facts, default_policy(), {}).results
    assert next(one for one in results if one.probe == "evaluation.golden").status == "true"
