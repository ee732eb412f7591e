"""Models that fail, lie, loop and cost."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from tests.acceptance.product import Product
from tests.acceptance.scripts import acts, answer, asked, turns
from tests.fake_provider import FakeProvider, context_too_long, status, text, tool_calls

QUICK = {"max_retries": 3, "backoff_ms": 10, "max_backoff_ms": 20}
SHAPE = {
    "type": "object",
    "required": ["class", "total"],
    "properties": {"class": {"enum": ["bill", "other"]}, "total": {"type": "number"}},
    "additionalProperties": False,
}
GOOD = {"class": "bill", "total": 4}
BAD: dict[str, Any] = {
    "broken JSON": '{"class": "bill", "total":',
    "missing field": {"class": "bill"},
    "bad enum": {"class": "invoice", "total": 4},
}


def attempts(product: Product, run: str) -> list[dict[str, Any]]:
    """Every attempt of a run's first model call, as the debugger shows them."""
    return product.step(run, product.steps(run)[0]["id"])["detail"]["attempts"]


def test_d62_transient_errors_are_retried(product: Product, provider: FakeProvider):
    slug = product.agent("d62", model={"retry": QUICK})
    provider.will(slug, status(503), status(503), text("at last"))
    found = product.run(slug)
    assert (found["run"]["state"], found["output"].strip()) == ("completed", "at last")
    told = attempts(product, found["run"]["id"])
    assert ["503" in attempt.get("error", "") for attempt in told] == [True, True, False]
    assert provider.calls(slug) == 3


def outage_alerts(product: Product, name: str) -> list[dict[str, Any]]:
    alerts = product.get("alerts", size=200)["items"]
    return [one for one in alerts if one["kind"] == "provider_failing" and one["detail"]["provider"] == name]


def test_d63_the_third_skipped_cycle_raises_an_alert(product: Product, provider: FakeProvider):
    slug = product.agent("d63", model={"name": "sick:d63"}, tools=("post",))
    provider.will("d63", status(503, "overloaded"))
    for cycle in (1, 2, 3):
        run = product.run(slug, f"d63-{cycle}")["run"]
        assert (run["state"], product.done("post", f"d63-{cycle}")) == ("failed", 0)
        assert "overloaded" in run["reason"]
        assert len(outage_alerts(product, "sick")) == (1 if cycle == 3 else 0)
    provider.will("d63", acts("post"))
    assert product.run(slug, "d63-4")["run"]["state"] == "completed"
    assert product.done("post", "d63-4") == 1
    assert [one["resolved_at"] is not None for one in outage_alerts(product, "sick")] == [True]


def test_c4_an_outage_backs_off_skips_and_alerts_exactly_once(product: Product, provider: FakeProvider):
    slug = product.agent("c4", model={"name": "ailing:c4", "retry": QUICK})
    provider.will("c4", status(500, "oops"))
    for cycle in range(1, 6):
        run = product.run(slug)["run"]
        assert run["state"] == "failed"
        assert len(attempts(product, run["id"])) == 4
        assert provider.calls("c4") == 4 * cycle
        assert len(outage_alerts(product, "ailing")) == (1 if cycle >= 3 else 0)
    assert outage_alerts(product, "ailing")[0]["resolved_at"] is None


def test_a16_the_fallback_answers_and_both_attempts_are_told(product: Product, provider: FakeProvider):
    slug = product.agent("a16", model={"name": "fake:a16-first", "fallbacks": ["spare:a16-second"]})
    provider.will("a16-first", status(401, "no such key"))
    provider.will("a16-second", text("from the second"))
    found = product.run(slug)
    assert (found["run"]["state"], found["output"].strip()) == ("completed", "from the second")
    (step,) = product.steps(found["run"]["id"])
    assert step["model"] == "spare:a16-second"
    first, second = attempts(product, found["run"]["id"])
    assert [first["model"], second["model"]] == ["fake:a16-first", "spare:a16-second"]
    assert first["code"] == "provider_key_refused"
    assert "error" not in second


@pytest.mark.parametrize(
    "bad", [{"maxRetries": 6}, {"backoffMs": 10_001}, {"multiplier": 11}, {"multiplier": 0.5}, {"maxBackoffMs": 60_001}]
)
def test_a17_a_retry_policy_out_of_bounds_is_refused(product: Product, bad: dict[str, Any]):
    slug = product.agent("a17")
    wanted = {"runId": f"a17-{json.dumps(bad)[2:8]}", "workflowId": slug, "payload": 1, "retryPolicy": bad}
    refused = product.call("POST", "/v1/orchestrations/run", json=wanted)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert product.get("runs", agent=slug)["items"] == []


def test_a17_pauses_grow_and_are_capped(product: Product, provider: FakeProvider):
    rule = {"max_retries": 4, "backoff_ms": 250, "multiplier": 2, "max_backoff_ms": 500}
    slug = product.agent("a17", model={"retry": rule})
    provider.will(slug, status(503))
    assert product.run(slug)["run"]["state"] == "failed"
    moments = [seen.at for seen in provider.requests if seen.model == slug]
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    # Each pause is spread by half; a busy machine can only make it longer.
    assert all(pause >= least for pause, least in zip(pauses, (0.125, 0.25, 0.25, 0.25), strict=True))

    steep = product.agent("a17", model={"retry": {**rule, "multiplier": 10}})
    provider.will(steep, status(503))
    assert product.run(steep)["run"]["state"] == "failed"
    moments = [seen.at for seen in provider.requests if seen.model == steep]
    # Without the cap: 2.5, 25 and 250 seconds.
    assert len(moments) == 5
    assert moments[-1] - moments[0] < 12

    # It begins short: a pause that is as long from the first on would be at least two seconds. A busy machine makes
    # some longer, hardly all.
    growing = product.agent("a17", model={"retry": {"max_retries": 1, "backoff_ms": 20, "max_backoff_ms": 4_000}})
    provider.will(growing, status(503))
    for _ in range(4):
        assert product.run(growing)["run"]["state"] == "failed"
    moments = [seen.at for seen in provider.requests if seen.model == growing]
    assert min(later - earlier for earlier, later in zip(moments[::2], moments[1::2], strict=True)) < 1.5


@pytest.mark.parametrize("fault", BAD)
def test_c6_a_malformed_answer_is_asked_for_again(product: Product, provider: FakeProvider, fault: str):
    slug = product.agent("c6", output_schema=SHAPE)
    provider.will(slug, turns(answer(BAD[fault]), answer(GOOD)))
    found = product.run(slug)
    assert (found["run"]["state"], found["output"]) == ("completed", GOOD)
    assert provider.calls(slug) == 2


@pytest.mark.parametrize("fault", BAD)
def test_c6_an_answer_that_stays_malformed_goes_to_a_person(product: Product, provider: FakeProvider, fault: str):
    slug = product.agent("c6", output_schema=SHAPE)
    provider.will(slug, answer(BAD[fault]))
    run = product.run(slug)["run"]
    assert (run["state"], run["code"], run["needs_attention"]) == ("failed", "malformed_output", True)
    assert provider.calls(slug) == 3
    assert product.call("GET", "/v1/health/ready", key="").status_code == 200


def test_c7_an_input_that_is_too_long_is_cut_with_a_mark(product: Product, provider: FakeProvider):
    slug = product.agent("c7", limits={"input_chars": 1_000})
    found = product.run(slug, "word " * 2_000)
    assert (found["run"]["state"], found["run"]["is_truncated"]) == ("completed", True)
    seen = asked(provider.requests[-1].body)
    assert len(seen) <= 1_000
    assert "Cut here by Signoff" in seen
    short = product.run(slug, "word")
    assert short["run"]["is_truncated"] is False


def test_c7_a_conversation_the_model_cannot_hold_is_shortened(product: Product, provider: FakeProvider):
    slug = product.agent("c7")
    provider.will(slug, context_too_long(12_000))
    found = product.run(slug, "word " * 20_000)
    assert (found["run"]["state"], found["run"]["is_truncated"]) == ("completed", True)
    assert found["output"].strip() == "short enough"


def test_f66_a_cap_stops_a_loop(product: Product, provider: FakeProvider):
    limits = {"cost_usd": "50", "turns": 1_000, "tool_calls": 10_000, "tokens": 50_000_000}
    slug = product.agent("f66", tools=("look",), limits=limits)
    usage = (1_000_000, 100_000)
    call = (1_000_000 * 3 + 100_000 * 15) / 1e6
    provider.will(slug, lambda body, n: tool_calls(("erp_look", {"n": f"f66-{n}"}), usage=usage)(body, n))
    run = product.run(slug)["run"]
    # Nothing runs any more: it waits for somebody who gives it more, or not.
    assert (run["state"], run["waiting_for"], run["code"]) == ("waiting", "budget", "needs_budget")
    assert 50 <= float(run["cost_usd"]) <= 50 + call
    assert float(run["cost_usd"]) == provider.calls(slug) * call


def test_f30_a_run_over_budget_is_rejected_with_its_reason(product: Product, provider: FakeProvider):
    slug = product.agent("f30", tools=("post",))
    provider.will(slug, acts("post"))
    product.run(slug, "f30-before")
    calls = provider.calls(slug)
    product.call("PUT", "budget", json={"daily_cap_usd": "0.000001"})
    try:
        refused = product.call("POST", f"agents/{slug}:execute", json={"input": "f30", "wait": True})
        assert refused.status_code == 402, refused.text
        run = product.record(refused.json()["run"])["run"]
    finally:
        product.call("PUT", "budget", json={"daily_cap_usd": None})
    assert (run["state"], run["started_at"]) == ("rejected", None)
    assert "0.000001" in run["reason"]
    assert product.steps(run["id"]) == []
    assert (provider.calls(slug), product.done("post", "f30")) == (calls, 0)
    assert product.run(slug, "f30-after")["run"]["state"] == "completed"


def test_d61_the_third_equal_call_is_flagged(product: Product, provider: FakeProvider):
    slug = product.agent("d61", tools=("look",))
    look = tool_calls(("erp_look", {"n": "d61"}))
    provider.will(slug, turns(look, look, look, text("done")))
    run = product.run(slug)["run"]
    # The third is not made: the model is told instead.
    assert (run["state"], run["tool_calls"], product.done("look", "d61")) == ("completed", 2, 2)
    codes = [[v.get("code") for v in s["verdicts"]] for s in product.steps(run["id"]) if s["kind"] == "tool"]
    assert ["repeated_call" in found for found in codes] == [False, False, True]


def test_d61_an_endless_loop_is_stopped(product: Product, provider: FakeProvider):
    slug = product.agent("d61", tools=("look",))
    provider.will(slug, tool_calls(("erp_look", {"n": "d61-endless"})))
    run = product.run(slug)["run"]
    assert (run["state"], run["code"], run["failed_step"]) == ("failed", "loop", "erp.look")
    assert product.done("look", "d61-endless") == 2
