"""Examples of what an agent should answer, and how a revision does on them beside what serves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.releasing import aged, evidence, kept_back_by, released, tell_only
from tests.acceptance.scripts import acts, asked, by_instructions, gated
from tests.fake_provider import Behaviour, FakeProvider, text

OVER = ("completed", "failed", "cancelled")


@pytest.fixture(scope="module")
def evaluating(own_product: Callable[..., Product]) -> Product:
    """A workspace of its own, where only the golden dataset keeps a release back."""
    made = own_product().start()
    made.connect()
    tell_only(made, "evaluation.golden")
    return made


def answering(answers: dict[str, str]) -> Behaviour:
    """Answer each question as it is told to."""
    return lambda body, number: text(answers.get(asked(body), "no idea"))(body, number)


def old_and_new(old: dict[str, str], new: dict[str, str]) -> Behaviour:
    return by_instructions(lambda sop: answering(new if "new words" in sop else old))


def two_revisions(product: Product, name: str, **body: Any) -> str:
    """An agent whose first revision serves, and a second one with new words."""
    slug = product.agent(name, sop="old words", **body)
    product.revise(slug, sop="new words", **body)
    return slug


def golden(product: Product, slug: str, expected: dict[str, str], *critical: str, is_golden: bool = True) -> str:
    """A golden dataset with these questions and answers; returns its id."""
    made = product.post(f"agents/{slug}/datasets", {"name": "Golden", "is_golden": is_golden})["id"]
    examples = [{"input": one, "expected": said, "is_critical": one in critical} for one, said in expected.items()]
    product.post(f"datasets/{made}/examples", {"examples": examples})
    return made


def ask(product: Product, slug: str, dataset: str, **more: Any) -> str:
    return product.post(f"agents/{slug}:evaluate", {"dataset": dataset, **more}, status=202)["id"]


def ended(product: Product, evaluation: str) -> dict[str, Any]:
    """Wait until an evaluation is over; return it whole."""

    def look() -> dict[str, Any]:
        found = product.get(f"evaluations/{evaluation}")
        return found if found["facts"]["state"] in OVER else {}

    return until(look, f"evaluation {evaluation} to end")


def evaluated(product: Product, slug: str, dataset: str, **more: Any) -> dict[str, Any]:
    return ended(product, ask(product, slug, dataset, **more))


def results(product: Product, evaluation: str, **params: Any) -> list[dict[str, Any]]:
    return product.get(f"evaluations/{evaluation}/results", **params)["items"]


def test_f40_a_run_becomes_an_example_with_its_input_and_output(evaluating: Product, provider: FakeProvider):
    slug = evaluating.agent("f40")
    provider.will(slug, answering({"six by nine": "42"}))
    run = evaluating.run(slug, "six by nine")
    dataset = evaluating.post(f"agents/{slug}/datasets", {"name": "From the field"})["id"]
    added = evaluating.post(f"datasets/{dataset}/examples", {"run": run["run"]["id"]})
    again = evaluating.post(f"datasets/{dataset}/examples", {"run": run["run"]["id"]})
    (only,) = evaluating.get(f"datasets/{dataset}/examples")["items"]
    assert added["ids"] == again["ids"] == [only["id"]]
    assert (only["input"], only["expected"], only["from_run_id"]) == ("six by nine", run["output"], run["run"]["id"])


def test_d123_a_run_that_failed_becomes_a_critical_case_in_one_action(evaluating: Product, provider: FakeProvider):
    slug = evaluating.agent("d123", tools=("look",), limits={"turns": 1})
    provider.will(slug, acts("look", "look"))
    run = evaluating.run(slug, "order 7")
    assert run["run"]["state"] == "failed"
    dataset = golden(evaluating, slug, {"order 1": "done"})
    asked_for = {"run": run["run"]["id"], "is_critical": True, "note": "failed in production"}
    (made,) = evaluating.post(f"datasets/{dataset}/examples", asked_for)["ids"]
    found = evaluating.get(f"datasets/{dataset}/examples/{made}")
    assert (found["input"], found["expected"], found["is_critical"]) == ("order 7", None, True)


def test_f42_few_examples_are_warned_of_and_many_are_not(evaluating: Product, provider: FakeProvider):
    slug = two_revisions(evaluating, "f42")
    provider.will(slug, answering({}))
    few = evaluated(evaluating, slug, golden(evaluating, slug, {"one": "no idea"}), revision=2)
    assert any("few" in one for one in few["facts"]["warnings"])
    dataset = evaluating.post(f"agents/{slug}/datasets", {"name": "Many"})["id"]
    examples = [{"input": f"question {number}", "expected": "no idea"} for number in range(20)]
    evaluating.post(f"datasets/{dataset}/examples", {"examples": examples})
    many = evaluated(evaluating, slug, dataset, revision=2)
    assert many["facts"]["examples"] == 20
    assert not any("few" in one for one in many["facts"]["warnings"])


def test_f43_an_evaluation_goes_through_its_states_and_sums_up_both_sides(evaluating: Product, provider: FakeProvider):
    slug = two_revisions(evaluating, "f43")
    gate = threading.Event()
    provider.will(slug, gated(gate, old_and_new({"one": "1"}, {"one": "1", "two": "2"})))
    made = ask(evaluating, slug, golden(evaluating, slug, {"one": "1", "two": "2"}), revision=2)
    seen: list[str] = []

    def state() -> str:
        found = evaluating.get(f"evaluations/{made}")["facts"]["state"]
        if found not in seen:
            seen.append(found)
        return found

    until(lambda: state() == "running", "the evaluation to begin")
    gate.set()
    until(lambda: state() in OVER, "the evaluation to end")
    assert seen[-2:] == ["running", "completed"]
    assert set(seen) <= {"pending", "running", "completed"}
    found = evaluating.get(f"evaluations/{made}")
    facts = found["facts"]
    assert (facts["score"], facts["baseline_score"], facts["verdict"]) == (1.0, 0.5, "promotable")
    assert (found["candidate"]["tenths"][9], found["baseline"]["tenths"]) == (2, [1, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    assert (found["better"], found["same"], found["worse"]) == (1, 1, 0)
    assert float(facts["cost_usd"]) > 0
    assert float(facts["baseline_cost_usd"]) > 0
    assert facts["p50_seconds"] > 0
    assert facts["baseline_p50_seconds"] > 0


def test_f44_what_served_when_it_was_asked_for_stays_the_baseline(evaluating: Product, provider: FakeProvider):
    slug = two_revisions(evaluating, "f44")
    gate = threading.Event()
    provider.will(slug, gated(gate, old_and_new({"one": "1"}, {})))
    # Not a golden one, which would keep back what has not been evaluated.
    made = ask(evaluating, slug, golden(evaluating, slug, {"one": "1"}, is_golden=False), revision=2)
    assert evaluating.make_live(slug, 2).status_code == 200
    gate.set()
    facts = ended(evaluating, made)["facts"]
    live = {one["environment"]: one["revision_number"] for one in evaluating.get(f"agents/{slug}")["live"]}
    assert live["production"] == 2
    assert (facts["revision_number"], facts["baseline_number"]) == (2, 1)
    assert (facts["score"], facts["baseline_score"]) == (0.0, 1.0)


def test_f45_each_example_is_listed_with_both_answers_and_its_verdict(evaluating: Product, provider: FakeProvider):
    slug = two_revisions(evaluating, "f45")
    provider.will(slug, old_and_new({"one": "1", "two": "2"}, {"two": "2", "three": "3"}))
    dataset = golden(evaluating, slug, {"one": "1", "two": "2", "three": "3"})
    made = evaluated(evaluating, slug, dataset, revision=2)["facts"]["id"]
    found = [
        (one["input"], one["candidate"]["output"].strip(), one["baseline"]["output"].strip(), one["verdict"])
        for one in results(evaluating, made)
    ]
    assert found == [
        ("one", "no idea", "1", "worse"), ("two", "2", "2", "same"), ("three", "3", "no idea", "better"),
    ]  # fmt: skip
    (worse,) = results(evaluating, made, verdict="worse")
    assert (worse["input"], worse["candidate"]["scores"][0]["score"]) == ("one", 0.0)
    assert worse["candidate"]["scores"][0]["reason"]


def test_d23_f46_one_critical_case_that_gets_worse_keeps_it_back_although_the_mean_rises(
    evaluating: Product, provider: FakeProvider
):
    slug = two_revisions(evaluating, "f46")
    provider.will(slug, old_and_new({"one": "1"}, {"two": "2", "three": "3"}))
    dataset = golden(evaluating, slug, {"one": "1", "two": "2", "three": "3"}, "one")
    # Nobody has evaluated it yet: that keeps it back as well.
    assert list(kept_back_by(evaluating, slug)) == ["evaluation.golden"]
    found = evaluated(evaluating, slug, dataset, revision=2)
    facts = found["facts"]
    assert facts["score"] > facts["baseline_score"]
    assert facts["verdict"] == "not_promotable"
    (lost,) = [one for one in results(evaluating, facts["id"]) if one["is_lost"]]
    assert (lost["input"], facts["critical_lost"]) == ("one", [lost["example_id"]])
    back = kept_back_by(evaluating, slug)
    assert list(back) == ["evaluation.golden"]
    assert "1 critical example lost" in back["evaluation.golden"]
    assert facts["id"] in back["evaluation.golden"]
    # Mended, it ships.
    provider.will(slug, old_and_new({"one": "1"}, {"one": "1", "two": "2"}))
    assert evaluated(evaluating, slug, dataset, revision=2)["facts"]["verdict"] == "promotable"
    assert kept_back_by(evaluating, slug) == {}


def test_an_agent_without_a_golden_dataset_is_told_and_not_kept_back(evaluating: Product, provider: FakeProvider):
    slug = two_revisions(evaluating, "bare")
    provider.will(slug, answering({}))
    item = evidence(evaluating, slug, environment="production", revision=2)["evaluation.golden"]
    assert (item["severity"], item["status"]) == ("warn", "missing")
    assert kept_back_by(evaluating, slug) == {}


def test_f47_of_weights_only_their_ratio_counts(evaluating: Product, provider: FakeProvider):
    slug = two_revisions(evaluating, "f47")
    provider.will(slug, answering({"one": "about 1"}))
    dataset = golden(evaluating, slug, {"one": "1"})
    made = [
        evaluating.post(f"agents/{slug}/evaluators", {"name": kind, "kind": kind, "weight": weight})["id"]
        for kind, weight in (("equals", 1), ("contains", 3))
    ]
    first = evaluated(evaluating, slug, dataset, revision=2)["facts"]["score"]
    for one, weight in zip(made, (10, 30), strict=True):
        assert evaluating.call("PATCH", f"evaluators/{one}", json={"weight": weight}).status_code == 200
    second = evaluated(evaluating, slug, dataset, revision=2)["facts"]["score"]
    assert first == second == 0.75


def test_f48_a_draft_is_evaluated_as_it_was_when_it_was_asked_for(evaluating: Product, provider: FakeProvider):
    slug = evaluating.agent("f48", sop="old words")
    gate = threading.Event()
    provider.will(slug, gated(gate, old_and_new({}, {"one": "1"})))
    version = evaluating.get(f"agents/{slug}/draft")["version"]

    def save(sop: str, version: int) -> int:
        wanted = {"body": evaluating.body(slug, sop=sop), "version": version}
        saved = evaluating.call("PUT", f"agents/{slug}/draft", json=wanted)
        assert saved.status_code == 200, saved.text
        return saved.json()["version"]

    tried = save("new words", version)
    made = ask(evaluating, slug, golden(evaluating, slug, {"one": "1"}), draft=True)
    save("other words", tried)
    gate.set()
    facts = ended(evaluating, made)["facts"]
    assert (facts["draft_version"], facts["revision_number"], facts["baseline_number"]) == (tried, None, 1)
    assert (facts["score"], facts["baseline_score"]) == (1.0, 0.0)
    assert [one["number"] for one in evaluating.get(f"agents/{slug}/revisions")["items"]] == [1]


def test_f49_what_serves_is_measured_each_night_and_a_drop_is_told_though_nothing_was_released(
    evaluating: Product, provider: FakeProvider
):
    slug = evaluating.agent("f49")
    provider.will(slug, answering({"one": "1", "two": "2"}))
    dataset = golden(evaluating, slug, {"one": "1", "two": "2"})
    schedule = {"every": "day", "at_hour": 3, "environment": "production"}
    assert evaluating.call("PUT", f"datasets/{dataset}/schedule", json=schedule).status_code == 200

    def night(number: int) -> dict[str, Any]:
        aged(evaluating, "datasets", "next_at", "-2 days", "id = ?", dataset)

        def look() -> list[dict[str, Any]]:
            found = evaluating.get("evaluations", dataset=dataset, state="completed")["items"]
            return found if len(found) == number else []

        return until(look, f"night {number}")[0]

    first = night(1)
    assert (first["trigger"], first["is_of_what_serves"], first["score"]) == ("schedule", True, 1.0)
    # The model changes under the agent.
    provider.will(slug, answering({"one": "1"}))
    second = night(2)
    assert (second["score"], second["baseline_score"], second["revision_number"]) == (0.5, 1.0, 1)

    def told() -> list[dict[str, Any]]:
        return [one for one in evaluating.get("alerts")["items"] if one["kind"] == "evaluation_drop"]

    (alert,) = until(told, "the alert")
    assert "nothing was released" in alert["text"]


def test_f50_an_evaluation_writes_nothing_and_counts_for_nothing(evaluating: Product, provider: FakeProvider):
    slug = two_revisions(evaluating, "f50", tools=("look", "post"))
    provider.will(slug, acts("look", "post"))
    before = evaluating.get(f"agents/{slug}/signals", origin="production")["hours"]
    spent = evaluating.get("limits")
    found = evaluated(evaluating, slug, golden(evaluating, slug, {"f50-a": "done", "f50-b": "done"}), revision=2)
    assert found["facts"]["state"] == "completed"
    assert [evaluating.done("post", n) for n in ("f50-a", "f50-b")] == [0, 0]
    run = results(evaluating, found["facts"]["id"])[0]["candidate"]["run_id"]
    steps = {one["name"]: one["state"] for one in evaluating.steps(run) if one["kind"] == "tool"}
    assert steps == {"erp.look": "completed", "erp.post": "simulated"}
    record = evaluating.record(run)["run"]
    assert (record["mode"], record["origin"], record["needs_attention"]) == ("evaluation", "test", False)
    assert evaluating.get(f"agents/{slug}/signals", origin="production")["hours"] == before
    assert evaluating.get("limits") == spent


def test_f51_an_evaluation_is_called_off_once(evaluating: Product, provider: FakeProvider):
    slug = two_revisions(evaluating, "f51")
    gate = threading.Event()
    provider.will(slug, gated(gate, answering({})))
    made = ask(evaluating, slug, golden(evaluating, slug, {"one": "1"}), revision=2)
    until(lambda: evaluating.get(f"evaluations/{made}")["facts"]["state"] == "running", "the evaluation to begin")
    evaluating.post(f"evaluations/{made}:cancel")
    assert evaluating.get(f"evaluations/{made}")["facts"]["state"] == "cancelled"
    gate.set()
    again = evaluating.call("POST", f"evaluations/{made}:cancel")
    assert (again.status_code, again.json()["code"]) == (409, "evaluation_over")


def test_f71_what_real_runs_cost_stands_beside_the_evaluation(evaluating: Product, provider: FakeProvider):
    slug = two_revisions(evaluating, "f71")
    provider.will(slug, text("42", usage=(1_000, 100)))
    found = evaluated(evaluating, slug, golden(evaluating, slug, {"six by nine": "42", "again": "42"}), revision=2)
    assert found["facts"]["verdict"] == "promotable"
    released(evaluating, slug, 2)

    def told() -> tuple[str, str]:
        said = evidence(evaluating, slug, revision="2", phase="after")["after.cost"]
        return said["status"], said["measured"]

    for number in range(3):
        evaluating.run(slug, f"real {number}")
    assert told() == ("true", "$0.0045 a run on average against $0.0045 in its evaluation.")
    provider.will(slug, text("42", usage=(8_000, 100)))
    for number in range(3):
        evaluating.run(slug, f"dear {number}")
    assert told() == ("false", "$0.015 a run on average against $0.0045 in its evaluation.")
