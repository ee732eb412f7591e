"""Runs through the API with a working engine: execute, watch, cancel, replay, and the orchestration form."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo
from sqlalchemy import update

from signoff.gateways.model.providers import forget_script, register_script
from signoff.settings import Settings
from signoff.tables.runs import Run
from tests.api.world import BODY, World, make_world

# No digits: a run's own id is searched as well.
WORDS = ("first", "second", "third")


def answer_politely(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    return ModelResponse(parts=[TextPart("Good day to you.")])


@pytest.fixture
def working(
    settings: Settings, serving: Callable[[Any], AbstractContextManager[str]]
) -> Generator[tuple[World, httpx2.Client]]:
    """A served world whose worker works, and a client with the runner's key."""
    register_script("polite", answer_politely)
    world = make_world(settings, with_worker=True, body={**BODY, "model": {"name": "scripted:polite"}})
    with serving(world.app) as address:
        headers = {"x-agent-api-key": world.keys["runner"]}
        with httpx2.Client(base_url=address, headers=headers, timeout=60) as client:
            yield world, client
    forget_script("polite")


def test_execute_and_wait_gives_the_answer_of_the_live_revision(working: tuple[World, httpx2.Client]) -> None:
    _, client = working
    answer = client.post("/v1/acme/agents/helper:execute", json={"input": {"text": "hi"}, "wait": True})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["status"], found["output"], found["revision"]) == ("completed", "Good day to you.", 1)
    assert found["isScripted"] is True
    assert found["executionRecordId"] == found["id"]
    steps = client.get(found["links"]["trace"]).json()["items"]
    assert [step["kind"] for step in steps] == ["model"]
    detail = client.get(f"{found['links']['trace']}/{steps[0]['id']}").json()
    assert "hi" in json.dumps(detail["messages"])
    assert client.get("/v1/health").status_code == 200


def test_the_stream_tells_everything_once_and_resumes_after_a_broken_line(working: tuple[World, httpx2.Client]) -> None:
    _, client = working
    made = client.post("/v1/acme/agents/helper:execute", json={"input": {"text": "hi"}})
    assert made.status_code == 202
    assert made.headers["Location"] == made.json()["links"]["run"]
    assert made.json()["links"]["page"] == f"/w/acme{made.json()['links']['run'].removeprefix('/v1/acme')}"
    whole = events(client, made.json()["links"]["events"])
    assert [kind for _, kind, _ in whole][-1] == "done"
    assert len({number for number, _, _ in whole}) == len(whole)
    middle = whole[len(whole) // 2][0]
    rest = events(client, made.json()["links"]["events"], after=middle)
    assert [number for number, _, _ in rest] == [number for number, _, _ in whole if number > middle]


def events(client: httpx2.Client, path: str, after: int | None = None) -> list[tuple[int, str, Any]]:
    headers = {"Last-Event-ID": str(after)} if after else {}
    found: list[tuple[int, str, Any]] = []
    with client.stream("GET", path, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in response.headers
        block: dict[str, str] = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                block[name] = value
            elif "data" in block:
                found.append((int(block["id"]), block["event"], json.loads(block["data"])))
                block = {}
    return found


def test_the_orchestration_form(working: tuple[World, httpx2.Client]) -> None:
    world, client = working
    body = {"runId": "job-1", "workflowId": "helper", "input": {"text": "hi"}}
    made = client.post("/v1/orchestrations/run", json=body)
    assert (made.status_code, made.json()["ok"], made.json()["runStatus"]) == (202, True, "queued")
    again = client.post("/v1/orchestrations/run", json=body)
    assert (again.status_code, again.json()["ok"]) == (409, False)
    events(client, f"/v1/acme/runs/{made.json()['id']}/events")
    summary = client.get("/v1/orchestrations/runs/job-1/summary").json()
    assert summary["run"]["runStatus"] == "completed"
    output = summary["runOutput"]
    assert output["finalOutput"] == "Good day to you." == output["steps"][-1]["output"]
    assert output["finalStepId"] == output["steps"][-1]["stepId"]
    listed = client.get("/v1/orchestrations/runs", params={"limit": 5}).json()["runs"]
    assert listed[0]["runId"] == "job-1"
    assert len(listed) <= 5
    with world.client() as nobody:
        refused = nobody.post("/v1/orchestrations/run", json=body)
        assert (refused.status_code, refused.json()["code"]) == (401, "AGENT_API_KEY_MISSING")


WRONG = [
    {"runId": "x" * 129, "workflowId": "helper", "input": 1},
    {"runId": "a", "workflowId": "helper"},
    {"runId": "a", "workflowId": "helper", "input": 1, "payload": 2},
    {"runId": "a", "workflowId": "helper", "steps": []},
    {"runId": "a", "workflowId": "helper", "steps": [{"stepId": str(n)} for n in range(11)]},
    {"runId": "a", "workflowId": "helper", "input": 1, "retryPolicy": {"maxRetries": 6}},
    {"runId": "a", "workflowId": "helper", "input": 1, "retryPolicy": {"backoffMs": 10_001}},
    {"runId": "a", "workflowId": "helper", "input": 1, "retryPolicy": {"multiplier": 0.5}},
    {"runId": "a", "workflowId": "helper", "input": 1, "retryPolicy": {"maxBackoffMs": 60_001}},
]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_wrong_orchestrations_are_400_with_the_code_their_clients_know(world: World) -> None:
    with world.client(key=world.keys["runner"]) as client:
        answers = [client.post("/v1/orchestrations/run", json=body) for body in WRONG]
        answers += [client.get("/v1/orchestrations/runs", params={"limit": limit}) for limit in (0, 201, "x")]
        answers.append(
            client.post("/v1/orchestrations/run", content=b"{", headers={"Content-Type": "application/json"})
        )
        for answer in answers:
            assert (answer.status_code, answer.json()["code"], answer.json()["ok"]) == (400, "VALIDATION_ERROR", False)
        missing = client.get("/v1/orchestrations/runs/nope/summary")
        assert (missing.status_code, missing.json()["ok"]) == (404, False)


def test_cancelling_is_204_and_then_409(world: World) -> None:
    with world.client(key=world.keys["runner"]) as client:
        run = client.post("/v1/acme/agents/helper:execute", json={"input": 1}).json()["id"]
        assert client.post(f"/v1/acme/runs/{run}:cancel").status_code == 204
        assert client.post(f"/v1/acme/runs/{run}:cancel", json={}).status_code == 409
        other = client.post("/v1/acme/agents/helper:execute", json={"input": 1}).json()["id"]
        many = client.post("/v1/acme/runs:cancel", json={"runs": [run, other, "run_none"]}).json()["runs"]
    assert many[other] == "cancelled"
    assert many["run_none"] == "not_found"
    assert many[run] not in ("cancelled", "not_found")


def test_a_disabled_agent_leaves_a_rejected_record(world: World) -> None:
    with world.client(key=world.keys["admin"]) as client:
        assert client.post("/v1/acme/agents/helper:disable", json={"reason": "test"}).status_code == 200
        answer = client.post("/v1/acme/agents/helper:execute", json={"input": 1})
        assert answer.status_code == 409
        record = client.get(f"/v1/acme/runs/{answer.json()['run']}").json()
        assert record["run"]["state"] == "rejected"
        assert record["run"]["reason"]
        assert client.get(f"/v1/acme/runs/{answer.json()['run']}/steps").json()["items"] == []


@pytest.mark.parametrize("wait", [False, True])
def test_a_run_without_money_is_402_at_once_and_leaves_a_rejected_record(world: World, wait: bool) -> None:
    with world.client(key=world.keys["admin"]) as client:
        model = BODY["model"]["name"]
        priced = client.put(f"/v1/acme/prices/{model}", json={"input_usd": "1", "output_usd": "1"})
        assert priced.status_code == 200, priced.text
        assert client.put("/v1/acme/limits", json={"scope": "agent", "target": "helper", "daily_usd": "0"}).is_success
        # Nobody works: what is told is known when it is asked for.
        refused = client.post(
            "/v1/acme/agents/helper:execute", json={"input": 1, "wait": wait}, headers={"Idempotency-Key": "a"}
        )
        assert refused.status_code == 402, refused.text
        told = refused.json()
        assert (told["code"], told["status"]) == ("agent_budget_exceeded", 402)
        record = client.get(f"/v1/acme/runs/{told['run']}").json()["run"]
        assert (record["state"], record["code"], record["started_at"]) == ("rejected", "agent_budget_exceeded", None)
        again = client.post(
            "/v1/acme/agents/helper:execute", json={"input": 1, "wait": wait}, headers={"Idempotency-Key": "a"}
        )
        assert (again.status_code, again.json()["run"]) == (402, told["run"])
        form = client.post("/v1/orchestrations/run", json={"workflowId": "helper", "runId": "mine", "input": 1})
        assert form.status_code == 402, form.text


def test_filters_return_exactly_what_fits(world: World) -> None:
    with world.client(key=world.keys["admin"]) as client:
        runs = [
            client.post("/v1/acme/agents/helper:execute", json={"input": {"n": n}, "title": f"Job {WORDS[n]}"})
            for n in range(3)
        ]
        ids = [answer.json()["id"] for answer in runs]
        client.post(f"/v1/acme/runs/{ids[0]}:cancel")
        cancelled = client.get(
            "/v1/acme/runs", params={"state": "cancelled", "agent": "helper", "revision": "1"}
        ).json()
        assert [row["id"] for row in cancelled["items"]] == [ids[0]]
        found = client.get("/v1/acme/runs", params={"text": "Job third"}).json()["items"]
        assert [row["id"] for row in found] == [ids[2]]
        assert client.get("/v1/acme/runs", params={"since": "2999-01-01T00:00:00Z"}).json()["items"] == []
        first = client.get("/v1/acme/runs", params={"size": 2}).json()
        second = client.get("/v1/acme/runs", params={"size": 2, "cursor": first["next_cursor"]}).json()
        assert len({row["id"] for row in first["items"] + second["items"]}) == 4


def test_cancelling_what_runs_is_202_and_asking_again_changes_nothing(world: World) -> None:
    run = world.ids["run"]
    with world.store.write() as session:
        session.execute(update(Run).where(Run.id == run).values(state="running"))
    with world.client(key=world.keys["runner"]) as client:
        assert client.post(f"/v1/acme/runs/{run}:cancel", json={"reason": "enough"}).status_code == 202
        assert client.post(f"/v1/acme/runs/{run}:cancel").status_code == 202
        found = client.get(f"/v1/acme/runs/{run}").json()["run"]
    assert (found["state"], found["is_cancel_requested"], found["reason"]) == ("running", True, "enough")
    with world.client(session=world.tokens["owner"]) as alice:
        asked = alice.get("/v1/acme/audit", params={"object_id": run, "action": "run.cancel"}).json()["items"]
    assert len(asked) == 1
