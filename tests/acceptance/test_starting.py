"""Starting runs: which revision, which answer, which key, and once."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx2

from tests.acceptance.product import Product, until
from tests.acceptance.scripts import acts, by_instructions, gated, instructions, turns
from tests.fake_provider import FakeProvider, status, text, tool_calls


def test_d6_a_run_in_flight_keeps_its_revision(product: Product, provider: FakeProvider):
    slug = product.agent("d6", sop="first words", tools=("look",))
    product.revise(slug, sop="second words", tools=("look",))
    gate = threading.Event()
    provider.will(slug, turns(gated(gate, tool_calls(("erp_look", {"n": "d6"}))), text("done")))
    run = product.execute(slug)["id"]
    until(lambda: provider.calls(slug), "the run to ask its model")
    assert product.make_live(slug, 2).status_code == 200
    gate.set()
    assert product.ended(run)["run"]["revision_number"] == 1
    assert ["first words" in instructions(seen.body) for seen in provider.requests if seen.model == slug] == [True] * 2
    assert product.run(slug)["run"]["revision_number"] == 2


def test_d64_the_same_input_again_is_answered_with_the_first_run(product: Product, provider: FakeProvider):
    slug = product.agent("d64", tools=("post",))
    provider.will(slug, acts("post"))
    first = product.run(slug, "d64", inputKey="message-d64")
    calls = provider.calls(slug)
    again = product.run(slug, "d64", inputKey="message-d64")
    assert again["run"]["id"] == first["run"]["id"]
    assert (product.done("post", "d64"), provider.calls(slug)) == (1, calls)


def check_one_effect(product: Product, provider: FakeProvider, n: str) -> None:
    """Eight callers hand in the same input at the same moment."""
    slug = product.agent("c8", tools=("post",))
    provider.will(slug, acts("post"))
    together = threading.Barrier(8)

    def hand_in(_: int) -> str:
        together.wait()
        return product.execute(slug, n, inputKey=f"message-{n}")["id"]

    with ThreadPoolExecutor(8) as callers:
        runs = set(callers.map(hand_in, range(8)))
    assert len(runs) == 1
    assert product.ended(runs.pop())["run"]["state"] == "completed"
    assert product.done("post", n) == 1


def test_c8_the_same_input_at_once_has_one_effect(product: Product, provider: FakeProvider):
    check_one_effect(product, provider, "c8")


def test_f11_a_bad_draft_never_reaches_production(product: Product, provider: FakeProvider):
    slug = product.agent("f11", sop="good words")
    broken = product.body(slug, sop="bad words", model={"name": "fake:f11-broken"})
    provider.will("f11-broken", status(400, "this draft does not work"))
    provider.will(slug, by_instructions(lambda sop: status(400) if "bad words" in sop else text("fine")))
    assert product.call("PUT", f"agents/{slug}/draft", json={"body": broken, "version": 1}).status_code == 200
    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(lambda _: product.execute(slug, wait=True), range(100)))
    assert {(one["status"], one["revision"], one["output"].strip()) for one in found} == {("completed", 1, "fine")}
    assert provider.calls("f11-broken") == 0


def test_f20_execute_answers_with_result_trace_record_and_revision(product: Product, provider: FakeProvider):
    slug = product.agent("f20", sop="old")
    product.revise(slug, sop="new")
    product.make_live(slug, 2)
    provider.will(slug, text("the answer"))
    found = product.execute(slug, wait=True)
    assert (found["status"], found["output"].strip(), found["revision"]) == ("completed", "the answer", 2)
    assert product.get(f"runs/{found['executionRecordId']}")["output"] == found["output"]
    trace = product.get(found["links"]["trace"])["items"]
    assert [(step["kind"], step["state"]) for step in trace] == [("model", "completed")]


def test_f21_a_named_revision_runs_while_others_keep_the_live_one(product: Product, provider: FakeProvider):
    slug = product.agent("f21", sop="live words")
    product.revise(slug, sop="canary words")
    provider.will(slug, by_instructions(lambda sop: text("canary" if "canary words" in sop else "live")))
    for pinned in (2, "2", product.get(f"agents/{slug}/revisions/2")["facts"]["id"]):
        canary = product.execute(slug, wait=True, revisionId=pinned)
        assert (canary["revision"], canary["output"].strip()) == (2, "canary")
    plain = product.execute(slug, wait=True)
    assert (plain["revision"], plain["output"].strip()) == (1, "live")
    unknown = product.call("POST", f"agents/{slug}:execute", json={"input": "x", "revisionId": 9})
    assert unknown.status_code == 404
    assert len(product.get("runs", agent=slug)["items"]) == 4


def test_f27_a_sandboxed_run_reads_and_writes_nothing(product: Product, provider: FakeProvider):
    # What cannot be undone has a gate; of this one value nobody needs to be asked.
    gate = {"name": "payments", "effects": ["irreversible"], "unless": {"n": {"enum": ["f27"]}}}
    slug = product.agent("f27", tools=("look", "post", "pay"), gates=[gate], rules={"flow": "off"})
    provider.will(slug, acts("look", "post", "pay"))
    found = product.run(slug, "f27", mode="sandbox")
    assert found["run"]["state"] == "completed"
    assert [product.done(tool, "f27") for tool in ("look", "post", "pay")] == [1, 0, 0]
    steps = {step["name"]: step for step in product.steps(found["run"]["id"]) if step["kind"] == "tool"}
    for name in ("erp.post", "erp.pay"):
        assert [verdict["kind"] for verdict in steps[name]["verdicts"]][-1] == "simulate"
    product.run(slug, "f27")
    assert [product.done(tool, "f27") for tool in ("look", "post", "pay")] == [2, 1, 1]


def test_a7_the_list_of_runs_has_a_limit(product: Product):
    slug = product.agent("a7")
    runs = [product.execute(slug)["id"] for _ in range(6)]
    found = product.get("/v1/orchestrations/runs", limit=5, workflowId=slug)["runs"]
    assert [run["id"] for run in found] == runs[:0:-1]
    assert len(product.get("/v1/orchestrations/runs", limit=200, workflowId=slug)["runs"]) == 6
    refused = product.call("GET", "/v1/orchestrations/runs", params={"limit": 201})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def orchestrate(product: Product, slug: str, name: str, **more: object):
    wanted = {"runId": name, "workflowId": slug, "payload": name, **more}
    headers = {"x-agent-api-key": product.key}
    return product.call("POST", "/v1/orchestrations/run", key="", json=wanted, headers=headers)


def test_a8_the_summary_holds_the_last_answer(product: Product, provider: FakeProvider):
    slug = product.agent("a8", tools=("post",))
    provider.will(slug, acts("post", then="posted it"))
    assert orchestrate(product, slug, "a8-run").status_code == 202
    where = "/v1/orchestrations/runs/a8-run/summary"
    summary = until(lambda: (s := product.get(where))["runOutput"] and s, "the run's output")
    output = summary["runOutput"]
    run = product.record(summary["run"]["id"])
    assert output["finalOutput"] == run["output"] == output["steps"][-1]["output"]
    assert output["finalOutput"].strip() == "posted it"
    assert output["finalStepId"] == output["steps"][-1]["stepId"] == product.steps(run["run"]["id"])[-1]["id"]
    assert product.done("post", "a8-run") == 1


def test_a9_a_run_is_queued_once_under_its_name(product: Product, provider: FakeProvider):
    slug = product.agent("a9", tools=("post",))
    provider.will(slug, acts("post"))
    first = orchestrate(product, slug, "a9-run")
    assert (first.status_code, first.json()["runStatus"]) == (202, "queued")
    again = orchestrate(product, slug, "a9-run")
    assert again.status_code == 409
    product.ended(first.json()["id"])
    assert product.done("post", "a9-run") == 1


def test_d118_a10_without_a_key_nothing_starts(product: Product):
    slug = product.agent("a10")
    orchestration = {"runId": "a10-run", "workflowId": slug, "payload": 1}
    for path, body in ((f"agents/{slug}:execute", {"input": 1}), ("/v1/orchestrations/run", orchestration)):
        for key, code in (("", "AGENT_API_KEY_MISSING"), ("so_wrong", "AGENT_API_KEY_INVALID")):
            refused = product.call("POST", path, key=key, json=body)
            assert (refused.status_code, refused.json()["code"]) == (401, code)
    assert product.get("runs", agent=slug)["items"] == []


def figures(product: Product, session: httpx2.Client) -> str:
    """What the tiles of the list of runs say about the last day of real work.

    What is said of tests is left out, and how much is left of the day's limit, because that covers tests too.
    """
    page = session.get(f"{product.address}/w/{product.workspace}/runs").text
    tiles = page.split('aria-label="The last 24 hours"')[1].split("</section>")[0]
    for of_tests in (
        r"<span>and [^<]* for tests</span>",
        r'<svg[^>]*aria-label="Spent .*?</svg>',
        r"<span>[^<]* left</span>",
    ):
        tiles = re.sub(of_tests, "", tiles, flags=re.DOTALL)
    return tiles


def test_f58_test_runs_are_counted_apart(product: Product):
    slug = product.agent("f58")
    product.run(slug)
    link = product.cli_json("setup-link", *product.here)["link"]
    with httpx2.Client(follow_redirects=True, headers={"Sec-Fetch-Site": "same-origin"}) as session:
        assert session.post(link, data={"how": "without"}).status_code == 200
        before, shown = product.get("budget"), figures(product, session)
        with ThreadPoolExecutor(8) as callers:
            list(callers.map(lambda _: product.execute(slug, wait=True, origin="test"), range(100)))
        after = product.get("budget")
        assert figures(product, session) == shown
        product.run(slug)
        assert figures(product, session) != shown
    cost = 100 * Decimal(900 * 3 + 200 * 15) / 10**6
    for was, now in ((before["today"], after["today"]), (before["days"][0], after["days"][0])):
        assert Decimal(now["test_usd"]) - Decimal(was["test_usd"]) == cost
        assert Decimal(now["spent_usd"]) - Decimal(was["spent_usd"]) == cost
    assert len(product.get("runs", agent=slug, origin="production")["items"]) == 2
    assert len(product.get("runs", agent=slug, origin="test", size=200)["items"]) == 100
