"""Finding runs and reading what they did."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.acceptance.product import Product
from tests.acceptance.scripts import acts, turns
from tests.fake_provider import FakeProvider, status, text, tool_calls


def ids(found: dict[str, Any]) -> set[str]:
    return {run["id"] for run in found["items"]}


def moment(offset: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + offset).isoformat()


def failing_and_completed(product: Product, provider: FakeProvider, name: str) -> tuple[str, str, str]:
    """An agent with one completed and one failed run."""
    slug = product.agent(name)
    completed = product.run(slug, f"{name} completed", title=f"{name} good one")["run"]["id"]
    provider.will(slug, status(400, "no"))
    failed = product.run(slug, f"{name} failed", title=f"{name} bad one")["run"]["id"]
    return slug, completed, failed


def test_d55_every_filter_works_and_combines(product: Product, provider: FakeProvider):
    slug, completed, failed = failing_and_completed(product, provider, "d55")
    middle = moment()
    product.revise(slug, sop="Another text.")
    pinned = product.run(slug, revisionId=2, origin="test", environment="staging")["run"]["id"]
    every = {completed, failed, pinned}
    by_filter: dict[tuple[tuple[str, Any], ...], set[str]] = {
        (): every,
        (("state", "completed"),): {completed},
        (("state", ("completed", "failed")),): every,
        (("revision", "2"),): {pinned},
        (("origin", "test"),): {pinned},
        (("origin", "production"),): {completed, failed},
        (("environment", "staging"),): {pinned},
        (("source", "api"),): every,
        (("source", "cli"),): set(),
        (("since", middle),): {pinned},
        (("until", middle),): {completed, failed},
        (("text", "bad one"),): {failed},
        (("needs_attention", "true"),): {failed, pinned},
        (("state", "failed"), ("revision", "2"), ("origin", "test"), ("since", middle)): {pinned},
        (("state", "failed"), ("revision", "1"), ("until", middle), ("text", "d55")): {failed},
        (("state", "completed"), ("needs_attention", "true")): set(),
    }
    for chosen, expected in by_filter.items():
        assert ids(product.get("runs", agent=slug, **dict(chosen))) == expected, chosen
    assert product.call("GET", "runs", params={"state": "nonsense"}).status_code == 422


def test_d56_needs_attention_is_failed_and_waiting(product: Product, provider: FakeProvider):
    _, completed, failed = failing_and_completed(product, provider, "d56")
    slug = product.agent("d56", tools=("vanish",))
    provider.will(slug, acts("vanish"))
    waiting = product.run(slug, "d56")["run"]
    assert waiting["state"] == "waiting"
    attention = ids(product.get("runs", needs_attention="true", size=200))
    assert attention == ids(product.get("runs", state=["failed", "waiting"], size=200))
    assert {failed, waiting["id"]} <= attention
    assert completed not in attention
    rows = product.cli_json("runs", "--attention", "--limit", "200", *product.here)
    assert {row["id"] for row in rows} == attention
    product.post(f"runs/{waiting['id']}:cancel", status=204)


def test_d57_text_search_finds_the_title(product: Product, provider: FakeProvider):
    slug, completed, _ = failing_and_completed(product, provider, "d57")
    for words in ("d57 GOOD", "good d57", "d57 completed", completed, f"{slug} good"):
        assert ids(product.get("runs", text=words)) == {completed}, words
    assert ids(product.get("runs", text="d57 100% _")) == set()
    assert product.cli_json("runs", "--text", "d57 good one", *product.here)[0]["id"] == completed


def test_d58_a_failing_tool_call_can_be_read(product: Product, provider: FakeProvider):
    slug = product.agent("d58", tools=("look", "fail"))
    provider.will(slug, acts("look", "fail"))
    run = product.run(slug, "order-d58")["run"]["id"]
    steps = product.steps(run)
    assert [(step["kind"], step["name"], step["state"]) for step in steps if step["kind"] == "tool"] == [
        ("tool", "erp.look", "completed"), ("tool", "erp.fail", "failed"),
    ]  # fmt: skip
    good, bad = [product.step(run, step["id"]) for step in steps if step["kind"] == "tool"]
    assert "order-d58" in json.dumps(good["request"])
    assert "order-d58" in json.dumps(good["response"])
    assert bad["step"]["code"] == "tool_error"
    assert "no such order: order-d58" in bad["step"]["reason"]
    assert "order-d58" in json.dumps(bad["request"])


def test_d59_a_run_is_found_by_its_id_and_its_steps_add_up(product: Product, provider: FakeProvider):
    slug = product.agent("d59", tools=("wait",))
    wait = tool_calls(("erp_wait", {"seconds": 2}))
    provider.will(slug, turns(wait, wait, text("one two three", pause_seconds=0.5)))
    run = product.run(slug)["run"]
    for words in (run["id"], slug):
        assert ids(product.get("runs", text=words)) == {run["id"]}

    def seconds(thing: dict[str, Any]) -> float:
        ended, started = (datetime.fromisoformat(thing[name]) for name in ("ended_at", "started_at"))
        return (ended - started).total_seconds()

    steps = product.steps(run["id"])
    parts = [seconds(step) for step in steps]
    assert all(parts[index] >= 2 for index, step in enumerate(steps) if step["kind"] == "tool")
    # What lies between two steps is our own; it is small beside what was waited for, also on a busy machine.
    assert 0.6 * seconds(run) < sum(parts) <= seconds(run) + 0.1


def test_d60_runs_that_fail_alike_are_one_cluster(product: Product, provider: FakeProvider):
    product.connect("erp-d60")
    slug = product.agent("d60", tools=("look",), slot="erp-d60", limits={"same_call": 2})
    look = tool_calls(("erp-d60_look", {"n": "same"}))
    provider.will(slug, look)
    runs = [product.run(slug)["run"] for _ in range(5)]
    assert {run["state"] for run in runs} == {"failed"}
    clusters = [c for c in product.get("runs:clusters")["items"] if c["failed_step"] == "erp-d60.look"]
    assert [(cluster["code"], cluster["runs"], cluster["agents"]) for cluster in clusters] == [("loop", 5, 1)]
    assert clusters[0]["example_id"] in {run["id"] for run in runs}


def test_f33_the_history_shows_exactly_what_fits(product: Product, provider: FakeProvider):
    slug = product.agent("f33")
    for number in (2, 3):
        assert product.revise(slug, sop=f"Text {number}.") == number
    for number in (1, 2, 3):
        product.run(slug, revisionId=number)
    provider.will(slug, status(400, "no"))
    failed = [product.run(slug, revisionId=number)["run"]["id"] for number in (2, 3, 3)]
    found = product.get("runs", agent=slug, state="failed", revision="3", since=moment(-timedelta(hours=1)))
    assert ids(found) == set(failed[1:])
    later = product.get("runs", agent=slug, state="failed", revision="3", since=moment(timedelta(seconds=30)))
    assert later["items"] == []


def test_f35_the_trace_shows_prompts_calls_tokens_cost_and_model(product: Product, provider: FakeProvider):
    slug = product.agent("f35", sop="Look before you post. f35-sop", tools=("look",))
    provider.will(slug, acts("look", then="f35-answer"))
    run = product.run(slug, "f35-input")["run"]["id"]
    steps = [product.step(run, step["id"]) for step in product.steps(run)]
    assert [step["step"]["kind"] for step in steps] == ["model", "tool", "model"]
    first, tool, last = steps
    for model in (first, last):
        facts = model["step"]
        assert (facts["model"], facts["tokens_in"], facts["tokens_out"]) == (f"fake:{slug}", 900, 200)
        assert float(facts["cost_usd"]) == (900 * 3 + 200 * 15) / 1e6
        assert "f35-input" in json.dumps(model["messages"])
        assert model["instructions"] == "Look before you post. f35-sop"
    assert "erp_look" in json.dumps(first["response"])
    assert "f35-input" in json.dumps(tool["request"])
    assert "f35-input" in json.dumps(tool["response"])
    # The second call was shown what the tool answered, and the trace says so.
    assert json.dumps(last["messages"]).count("f35-input") > json.dumps(first["messages"]).count("f35-input")
    assert "f35-answer" in json.dumps(last["response"])


def test_c24_one_id_finds_log_lines_trace_and_effects(product: Product, provider: FakeProvider):
    slug = product.agent("c24", tools=("post",))
    provider.will(slug, acts("post"))
    found = product.run(slug, "c24")
    run = found["run"]["id"]
    lines = [json.loads(line) for line in product.log().splitlines() if line.startswith("{")]
    mine = [line for line in lines if line.get("run_id") == run]
    assert mine, "no line of the log carries the id of the run"
    assert [step["kind"] for step in product.steps(run)] == ["model", "tool", "model"]
    assert [effect["run_id"] for effect in found["effects"]] == [run]
    # It goes along to the outside: what the ERP wrote down leads back here.
    assert [line["key"] for line in product.ledger("post") if line["args"]["n"] == "c24"] == [
        effect["key"] for effect in found["effects"]
    ]
    assert found["effects"][0]["key"].startswith(run)
    audit = product.get("audit", size=200)["items"]
    assert [row["action"] for row in audit if row["object_id"] == run][-1] == "run.request"


def test_d66_a_run_tells_tokens_dollars_and_calls(product: Product, provider: FakeProvider):
    slug = product.agent("d66", tools=("post",))
    provider.will(slug, acts("post"))
    run = product.run(slug, "d66")["run"]
    assert (run["state"], product.done("post", "d66")) == ("completed", 1)
    assert (run["tokens_in"], run["tokens_out"], run["model_calls"], run["tool_calls"]) == (1800, 400, 2, 1)
    assert float(run["cost_usd"]) == (1800 * 3 + 400 * 15) / 1e6
