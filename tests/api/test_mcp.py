"""The MCP server: one POST, one message; each call is a request like any."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from signoff.api.mcp import calls
from signoff.freezes.maintenance import begin
from signoff.people.actions import create_key
from signoff.record.actor import SYSTEM
from signoff.settings import Settings
from signoff.tables.record import AuditRow
from signoff.tables.runs import Run
from tests.api.world import World, make_world

TAKES = {"Accept": "application/json, text/event-stream"}


def say(client: TestClient, method: str, params: Any = None, **headers: str) -> Any:
    """What a message is answered: the HTTP answer."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    return client.post("/mcp", json=message, headers={**TAKES, **headers})


def call(client: TestClient, name: str, arguments: dict[str, Any] | None = None, **headers: str) -> tuple[bool, Any]:
    """(is it an error, its JSON) for a call of a tool."""
    answer = say(client, "tools/call", {"name": name, "arguments": arguments or {}}, **headers)
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    return result.get("isError", False), json.loads(result["content"][0]["text"])


def listed(client: TestClient, **headers: str) -> set[str]:
    return {tool["name"] for tool in say(client, "tools/list", {}, **headers).json()["result"]["tools"]}


@pytest.fixture
def admin(world: World) -> Generator[TestClient]:
    with world.client(key=world.keys["admin"]) as client:
        yield client


def test_a_call_is_done_answered_and_told_like_any_request(world: World, admin: TestClient) -> None:
    refused, agents = call(admin, "agents", {"size": 5, "q": "help"})
    assert not refused
    assert agents == admin.get("/v1/acme/agents?size=5&q=help").json()
    refused, ran = call(admin, "execute", {"agent": "helper", "body": {"input": {"text": "x"}}})
    assert not refused, ran
    with world.store.read() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.object_id == ran["id"])).first()
        assert row is not None
        assert row.detail["origin"] == "mcp"
        assert row.detail["by_key"]
    direct = admin.post("/v1/acme/agents/helper:execute", json={"input": {"text": "x"}}).json()["id"]
    with world.store.read() as session:
        assert "origin" not in session.scalars(select(AuditRow).where(AuditRow.object_id == direct)).one().detail


def test_the_same_idempotency_key_is_one_run(world: World, admin: TestClient) -> None:
    asked = {"agent": "helper", "Idempotency-Key": "k-1", "body": {"input": {"text": "x"}}}
    first = call(admin, "execute", asked)
    assert call(admin, "execute", asked) == first
    refused, problem = call(admin, "execute", {**asked, "body": {"input": {"text": "y"}}})
    assert (refused, problem["code"]) == (True, "key_reused")
    with world.store.read() as session:
        assert len(session.scalars(select(Run.id).where(Run.id == first[1]["id"])).all()) == 1


def test_it_begins_without_a_session(admin: TestClient) -> None:
    info = {"name": "check", "version": "1"}
    begun = say(admin, "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info})
    assert begun.status_code == 200
    assert begun.headers["content-type"] == "application/json"
    assert "mcp-session-id" not in begun.headers
    assert begun.json()["result"]["serverInfo"]["name"] == "signoff"
    assert say(admin, "ping").json()["result"] == {}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_only_a_key_opens_it(world: World) -> None:
    with world.client(session=world.tokens["owner"]) as browser, world.client() as nobody:
        for client in (browser, nobody):
            answer = say(client, "tools/list")
            assert (answer.status_code, answer.json()["code"]) == (401, "AGENT_API_KEY_MISSING")
        wrong = say(nobody, "tools/list", Authorization="Bearer so_aaaaaaaaaa_" + "b" * 43)
        assert (wrong.status_code, wrong.json()["code"]) == (401, "AGENT_API_KEY_INVALID")
        assert say(nobody, "tools/list", {}, **{"x-agent-api-key": world.keys["admin"]}).status_code == 200


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_another_sites_page_gets_nothing(admin: TestClient) -> None:
    for origin in ("http://evil.example", "null", "http://127.0.0.1:6274", "https://127.0.0.1"):
        refused = say(admin, "tools/list", Origin=origin)
        assert (refused.status_code, refused.json()["code"]) == (403, "cross_site_request"), origin
    assert say(admin, "tools/list", Origin="http://127.0.0.1").status_code == 200
    assert say(admin, "tools/list", Host="evil.example").json()["code"] == "bad_host"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_only_messages_one_at_a_time_are_taken(admin: TestClient) -> None:
    for method in ("GET", "DELETE", "PUT"):
        refused = admin.request(method, "/mcp", headers=TAKES)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST"), method
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    assert admin.post("/mcp", json=[message, message], headers=TAKES).status_code == 400
    for bad in (b"{", b"\xff", b"[" * 100_000, b'{"jsonrpc": "2.0"}'):
        answer = admin.post("/mcp", content=bad, headers={**TAKES, "Content-Type": "application/json"})
        assert answer.status_code == 400, bad[:20]
    assert admin.post("/mcp", content=b"{}", headers=TAKES).status_code == 400


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_what_a_key_may_never_use_is_not_listed_and_is_refused_alike(world: World, admin: TestClient) -> None:
    everything = listed(admin)
    with world.client(key=world.keys["runner"]) as runner:
        mine = listed(runner)
        assert {"execute", "runs", "cancel_run", "me"} <= mine
        assert mine < everything
        assert not {"save_draft", "make_live", "connections", "audit"} & mine
        refused, problem = call(runner, "make_live", {"agent": "helper", "body": live("1")})
        direct = runner.post("/v1/acme/agents/helper:live", json=live("1")).json()
        assert refused
        assert {**problem, "instance": ""} == {**direct, "instance": ""}
        assert listed(runner, **{"x-user-role": "viewer"}) < mine
        asked = {"agent": "helper", "body": {"input": "x"}}
        refused, problem = call(runner, "execute", asked, **{"x-user-role": "viewer"})
        assert (refused, problem["required"]) == (True, "run.start")


def live(revision: str) -> dict[str, str]:
    return {"environment": "production", "revision": revision, "reason": "x"}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_key_of_one_environment_stays_there(world: World) -> None:
    with world.store.write() as session:
        key = create_key(session, world.alice, name="S", preset="admin", environment="staging").key
    with world.client(key=key) as client:
        refused, problem = call(client, "make_live", {"agent": "helper", "body": live("1")})
        assert (refused, problem["status"]) == (True, 404)
        assert call(client, "run", {"run": world.ids["run"]})[1]["status"] == 404
        assert "audit" not in listed(client), "it concerns the whole workspace"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_another_workspaces_thing_is_not_found(world: World) -> None:
    with world.client(key=world.keys["charlie"]) as charlie:
        assert call(charlie, "workspace")[1]["slug"] == "other"
        refused, problem = call(charlie, "run", {"run": world.ids["run"]})
        assert (refused, problem["status"]) == (True, 404)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_what_is_withheld_says_why(admin: TestClient) -> None:
    for name, reason in (("delete_secret", "erases"), ("create_key", "secrets"), ("approve", "word")):
        refused, problem = call(admin, name)
        assert (refused, problem["code"], problem["withheld"]) == (True, "tool_withheld", reason)
    assert call(admin, "no_such_tool")[1]["code"] == "unknown_tool"
    assert call(admin, "x" * 5_000)[1]["code"] == "unknown_tool"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_arguments_lead_to_no_other_operation(world: World, admin: TestClient) -> None:
    """The whole path is one of a tool, whatever stands in an argument."""
    texts = ("helper/draft", "../keys", "..", "helper?x=1", "helper#x", "%2e%2e", "a\\b", "", "{run}", "a\nb")
    for value in (*texts, None, 1.5, True, ["a"], {"a": 1}):
        refused, problem = call(admin, "agent", {"agent": value})
        assert (refused, problem["status"]) == (True, 422), value
    # No slash, and yet the address of another operation: of `workspace`, there, the approvals, counted.
    for name, arguments in (("approval", {"approval": "x:counts"}), ("run", {"run": "x:cancel"})):
        refused, problem = call(admin, name, arguments)
        assert refused
        assert problem["status"] in (404, 422), name
    with world.client(key=world.keys["admin"]) as client:
        before = client.get("/v1/acme/approvals:counts").status_code
    assert before == 200
    for wrong in ({"nothing": 1}, {"agent": "helper", "workspace": "other"}):
        refused, problem = call(admin, "agent", wrong)
        assert (refused, problem["code"]) == (True, "invalid_request"), wrong
    refused, problem = call(admin, "execute", {"agent": "helper", "Idempotency-Key": "a\r\nX: y", "body": {}})
    assert (refused, problem["status"]) == (True, 422)
    refused, problem = call(admin, "execute", {"agent": "helper", "body": "input"})
    assert (refused, problem["status"]) == (True, 422)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_route_that_is_not_the_tools_own_is_never_answered(world: World, admin: TestClient) -> None:
    """Also when an argument got past every check of its letters."""
    monkey = pytest.MonkeyPatch()
    monkey.setattr(calls, "_part", lambda name, value: str(value))
    with monkey.context():
        refused, problem = call(admin, "agent", {"agent": "helper/draft"})
    monkey.undo()
    assert (refused, problem["status"]) == (True, 404)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_an_answer_has_a_bound(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "ANSWER_BYTES_MAX", 100)
    refused, problem = call(admin, "agents")
    assert (refused, problem["code"]) == (True, "answer_too_large")
    assert "is done" not in problem["detail"]
    refused, problem = call(admin, "execute", {"agent": "helper", "body": {"input": {"text": "x"}}})
    assert (refused, problem["code"]) == (True, "answer_too_large")
    assert "is done: do not ask again" in problem["detail"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_under_maintenance_reads_go_on(world: World, admin: TestClient) -> None:
    world.house.lookout.kept_seconds = 0
    with world.store.write() as session:
        begin(session, SYSTEM, reason="moving", minutes=30)
    assert call(admin, "agents")[0] is False
    refused, problem = call(admin, "execute", {"agent": "helper", "body": {"input": {"text": "x"}}})
    assert (refused, problem["code"]) == (True, "maintenance")


def test_a_call_counts_once(settings: Settings) -> None:
    world = make_world(settings.model_copy(update={"rate_per_minute": 5}))
    try:
        with world.client(key=world.keys["admin"]) as client:
            told = [call(client, "me")[1].get("code") for _ in range(6)]
            assert told == [None] * 5 + ["too_many_requests"]
            assert call(client, "no_such_tool")[1]["code"] == "too_many_requests"
            over = say(client, "tools/list").json()["error"]
            assert over["data"]["code"] == "too_many_requests"
    finally:
        world.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_body_has_a_bound(world: World, admin: TestClient) -> None:
    long = "x" * (world.settings.request_bytes_max + 1)
    answer = say(admin, "tools/call", {"name": "agents", "arguments": {"q": long}})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
