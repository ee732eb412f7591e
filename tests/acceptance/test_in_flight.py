"""Runs on their way: states, events, calling off, replay."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.acceptance.product import Product, until
from tests.acceptance.scripts import acts, gated, turns
from tests.fake_provider import FakeProvider, status, text, tool_calls


def events(product: Product, run: str, after: str | None = None) -> list[tuple[str, dict[str, Any], str]]:
    """Everything the stream of a run tells until it ends: kind, data, id."""
    found: list[tuple[str, dict[str, Any], str]] = []
    headers = {"Authorization": f"Bearer {product.key}", **({"Last-Event-ID": after} if after else {})}
    where = f"{product.address}/v1/{product.workspace}/runs/{run}/events"
    with httpx2.stream("GET", where, headers=headers, timeout=60) as stream:
        assert stream.status_code == 200
        kind, number = "", ""
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "id":
                number = value
            elif name == "data":
                found.append((kind, json.loads(value), number))
    return found


def waiting_for_reconciliation(product: Product, provider: FakeProvider, n: str) -> str:
    """A run whose act may or may not have happened."""
    slug = product.agent("unknown", tools=("vanish",))
    provider.will(slug, acts("vanish"))
    return product.run(slug, n)["run"]["id"]


def test_d52_stop_one_running_run(product: Product, provider: FakeProvider):
    slug = product.agent("d52", tools=("post",))
    gate = threading.Event()
    provider.will(slug, turns(gated(gate, tool_calls(("erp_post", {"n": "d52"}))), text("done")))
    run = product.execute(slug)["id"]
    until(lambda: provider.calls(slug), "the run to ask its model")
    asked = datetime.now(UTC)
    assert product.call("POST", f"runs/{run}:cancel", json={"reason": "enough"}).status_code == 202
    found = product.ended(run)["run"]
    gate.set()
    assert (found["state"], found["reason"]) == ("cancelled", "enough")
    # The row's own number: a stop takes at most five seconds.
    assert datetime.fromisoformat(found["ended_at"]) - asked < timedelta(seconds=5)
    assert product.done("post", "d52") == 0


def test_d54_every_state_and_no_illegal_move(product: Product, provider: FakeProvider):
    slug = product.agent("d54")
    done = product.run(slug)["run"]["id"]
    told = [data["state"] for kind, data, _ in events(product, done) if kind == "run"]
    assert told == ["queued", "running", "completed"]

    failing = product.agent("d54-failing")
    provider.will(failing, status(400, "no"))
    failed = product.run(failing)["run"]["id"]
    cancelled = waiting_for_reconciliation(product, provider, "d54")
    assert product.state(cancelled) == "waiting"
    product.post(f"runs/{cancelled}:cancel", status=204)
    product.post(f"agents/{failing}:disable", {"reason": "broken"})
    refused = product.call("POST", f"agents/{failing}:execute", json={"input": 1})
    assert (refused.status_code, refused.json()["status"]) == (409, 409)
    rejected = refused.json()["run"]

    over = {done: "completed", failed: "failed", cancelled: "cancelled", rejected: "rejected"}
    for run, state in over.items():
        assert product.call("POST", f"runs/{run}:cancel", json={}).status_code == 409
        assert product.state(run) == state


def test_f25_the_stream_tells_text_and_one_end(product: Product, provider: FakeProvider):
    slug = product.agent("f25")
    whole = " ".join(f"word-{number:04}" for number in range(200))
    provider.will(slug, text(whole, pause_seconds=0.03))
    run = product.execute(slug)["id"]
    told = events(product, run)
    kinds = [kind for kind, _, _ in told]
    pieces = "".join(data["text"] for kind, data, _ in told if kind == "text")
    assert kinds.count("done") == 1
    assert kinds[-1] == "done"
    assert "error" not in kinds
    # The end of the text may come with the end of the run alone: a piece is held back until it cannot hide a secret.
    assert kinds.count("text") >= 2
    assert whole.startswith(pieces.strip())
    end = told[-1][1]
    assert end["output"].strip() == whole
    assert end["id"] == run
    assert float(end["cost_usd"]) == float(product.record(run)["run"]["cost_usd"]) > 0
    middle = told[len(told) // 2][2]
    # The pieces are for those who watch; afterwards the whole text is in the run, and what else happened is told again.
    rest = [number for kind, _, number in told if kind != "text" and int(number) > int(middle)]
    assert rest
    assert [number for _, _, number in events(product, run, middle)] == rest


def test_f25_a_failing_run_tells_one_error(product: Product, provider: FakeProvider):
    slug = product.agent("f25")
    provider.will(slug, status(400, "bad request"))
    told = events(product, product.execute(slug)["id"])
    kinds = [kind for kind, _, _ in told]
    assert (kinds.count("error"), kinds.count("done"), kinds[-1]) == (1, 0, "error")
    assert "bad request" in json.dumps(told[-1][1])


def test_f31_one_waiting_state_says_what_for(product: Product, provider: FakeProvider):
    unknown = product.record(waiting_for_reconciliation(product, provider, "f31"))["run"]
    slug = product.agent("f31", model={"name": "away:f31", "on_outage": "wait"})
    provider.will("f31", status(503, "overloaded"))
    outage = product.run(slug)["run"]
    assert [(run["state"], run["waiting_for"]) for run in (unknown, outage)] == [
        ("waiting", "reconciliation"), ("waiting", "provider"),
    ]  # fmt: skip
    assert unknown["reason"]
    assert outage["resume_at"]
    effect = product.record(unknown["id"])["effects"][0]["key"]
    product.post(f"effects/{effect}:settle", {"outcome": "happened", "reason": "I looked."})
    assert product.ended(unknown["id"], ("completed", "failed"))["run"]["state"] == "completed"
    assert product.done("vanish", "f31") == 1
    product.post(f"runs/{outage['id']}:cancel", status=204)


def test_f32_cancelling_answers_by_where_the_run_is(product: Product, provider: FakeProvider):
    parked = waiting_for_reconciliation(product, provider, "f32")
    assert product.call("POST", f"runs/{parked}:cancel", json={}).status_code == 204
    assert product.state(parked) == "cancelled"
    slug = product.agent("f32", tools=("wait",))
    provider.will(slug, turns(tool_calls(("erp_wait", {"seconds": 30})), text("done")))
    running = product.execute(slug)["id"]
    until(lambda: any(step["kind"] == "tool" for step in product.steps(running)), "the tool to be called")
    assert product.call("POST", f"runs/{running}:cancel", json={}).status_code == 202
    assert product.ended(running)["run"]["state"] == "cancelled"
    for over in (parked, running):
        assert product.call("POST", f"runs/{over}:cancel", json={}).status_code == 409


def test_a15_cancelling_a_running_run_stops_it_before_its_next_act(product: Product, provider: FakeProvider):
    slug = product.agent("a15", tools=("wait", "post"))
    script = turns(tool_calls(("erp_wait", {"seconds": 2})), tool_calls(("erp_post", {"n": "a15"})), text("done"))
    provider.will(slug, script)
    run = product.execute(slug)["id"]
    until(lambda: product.ledger("wait") and any(s["kind"] == "tool" for s in product.steps(run)), "the first act")
    assert product.call("POST", f"runs/{run}:cancel", json={}).status_code == 202
    assert product.ended(run)["run"]["state"] == "cancelled"
    assert (product.done("post", "a15"), provider.calls(slug)) == (0, 1)


def test_d65_a_recorded_run_is_replayed_without_touching_anything(product: Product, provider: FakeProvider):
    slug = product.agent("d65", tools=("look", "post"))
    provider.will(slug, acts("look", "post", then="first time"))
    original = product.run(slug, "d65")
    provider.will(slug, acts("look", "post", then="another time"))
    started = time.monotonic()
    replay = product.post(f"runs/{original['run']['id']}:replay", {"wait": True}, status=200)
    # The row's own number: a replay is there within 30 seconds.
    assert time.monotonic() - started < 30
    found = product.record(replay["id"])
    assert (found["run"]["state"], found["run"]["mode"]) == ("completed", "replay")
    assert found["run"]["replay_of"] == original["run"]["id"]
    assert found["output"] == original["output"]
    names = [[step["name"] for step in product.steps(run["run"]["id"])] for run in (original, found)]
    assert names[0] == names[1]
    assert (product.done("look", "d65"), product.done("post", "d65")) == (1, 1)
