"""Who may see what, how errors speak, what is kept of who did it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.product import OWNER, Product
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider

MEMBERS = ("type", "title", "status", "detail", "instance")


@pytest.fixture
def neighbour(product: Product) -> str:
    """The key of an administrator in another workspace of the same installation."""
    product.cli("workspaces", "create", "neighbour", "--email", "ned@neighbour.example")
    made = product.cli_json("keys", "create", "neighbour", "--preset", "admin", "--workspace", "neighbour")
    return made["key"]


def test_f1_another_workspace_sees_nothing_and_learns_no_name(product: Product, provider: FakeProvider, neighbour: str):
    slug = product.agent("f1-secret-name", tools=("post",), sop="f1-secret-words")
    provider.will(slug, acts("post"))
    found = product.run(slug, "f1-secret-input")
    run, step = found["run"], product.steps(found["run"]["id"])[0]["id"]
    revision = product.get(f"agents/{slug}/revisions/1")["facts"]["id"]
    connection = product.get("connections")["items"][0]["id"]
    key = product.get("keys")["items"][0]["id"]
    member = product.get("members")["items"][0]["id"]
    reads = [
        "", "agents", "runs", "connections", "keys", "members", "secrets", "audit", "budget",
        f"agents/{slug}", f"agents/{run['agent_id']}", f"agents/{slug}/draft", f"agents/{slug}/revisions/{revision}",
        f"runs/{run['id']}", f"runs/{run['id']}/steps", f"runs/{run['id']}/steps/{step}", f"runs/{run['id']}/messages",
        f"runs/{run['id']}/events", f"connections/{connection}", f"connections/{connection}/tools",
        f"members/{member}",
    ]  # fmt: skip
    writes = [
        f"agents/{slug}:execute", f"agents/{slug}:disable", f"runs/{run['id']}:cancel", f"runs/{run['id']}:replay",
        f"connections/{connection}:test", f"connections/{connection}:disable", f"keys/{key}:rotate",
    ]  # fmt: skip
    paths = [("GET", path) for path in reads] + [("POST", path) for path in writes]
    for workspace in (product.workspace, "neighbour"):
        for method, path in paths:
            if workspace == "neighbour" and "/" not in path and ":" not in path:
                continue
            body = {"json": {}} if method == "POST" else {}
            answer = product.call(method, f"/v1/{workspace}/{path}".rstrip("/"), key=neighbour, **body)
            assert answer.status_code in (403, 404), (method, workspace, path, answer.text)
            for told in ("f1-secret", OWNER, "Ann"):
                assert told not in answer.text.replace(slug, ""), (method, path)
    assert product.call("GET", "/v1/neighbour/agents", key=neighbour).json()["items"] == []
    for name in (run["id"], "a-run"):
        summary = product.call("GET", f"/v1/orchestrations/runs/{name}/summary", key=neighbour)
        assert summary.status_code == 404
    assert product.call("GET", "/v1/orchestrations/runs", key=neighbour).json()["runs"] == []
    assert product.state(run["id"]) == "completed"


def test_f29_every_refusal_is_a_problem_document(product: Product):
    slug = product.agent("f29")
    runner = product.new_key("runner")["key"]
    start = f"agents/{slug}:execute"
    refusals: list[tuple[int, str, str, str | None, dict[str, Any]]] = [
        (400, "POST", start, None, {"content": b"{", "headers": {"content-type": "application/json"}}),
        (401, "GET", "agents", "", {}),
        (401, "GET", "agents", "so_wrong", {}),
        (403, "POST", "secrets", runner, {"json": {"connection_id": "con_x", "name": "A", "value": "b"}}),
        (404, "GET", "agents/nobody-there", None, {}),
        (404, "GET", "/v1/nowhere/agents", None, {}),
        (404, "GET", "/v1/main/no-such-thing", None, {}),
        (405, "DELETE", f"agents/{slug}/draft", None, {}),
        (409, "POST", f"agents/{slug}:live", None, {
            "json": {"environment": "production", "revision": "1", "reason": "again"}}),
        (415, "POST", start, None, {"content": b"input=1", "headers": {"content-type": "text/plain"}}),
        (422, "POST", start, None, {"json": {"inptu": 1}}),
        (422, "GET", "runs?size=9999", None, {}),
    ]  # fmt: skip
    for status, method, path, key, more in refusals:
        answer = product.call(method, path, key=key, **more)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        assert answer.headers["content-type"].startswith("application/problem+json")
        problem = answer.json()
        assert [name for name in MEMBERS if not problem.get(name)] == [], (method, path)
        assert problem["status"] == status
        if status == 403:
            assert "secret.manage" in json.dumps(problem["required"])
            assert "run.start" in json.dumps(problem["granted"])


def test_a28_rotating_a_key_kills_the_old_one_at_once(product: Product):
    made = product.new_key("read-only")
    old = made["key"]
    assert product.call("GET", "runs", key=old).status_code == 200
    new = product.post(f"keys/{made['id']}:rotate")["key"]
    assert new != old
    refused = product.call("GET", "runs", key=old)
    assert (refused.status_code, refused.json()["code"]) == (401, "AGENT_API_KEY_INVALID")
    assert product.call("GET", "runs", key=new).status_code == 200
    listed = product.call("GET", "keys", params={"size": 200})
    row = next(row for row in listed.json()["items"] if row["id"] == made["id"])
    shown = row["prefix"].removesuffix("…")
    assert new.startswith(shown)
    assert len(shown) < len(new) / 3
    kept = product.everything_at_rest()
    for key in (old, new):
        assert key not in listed.text
        assert key.encode() not in kept
    assert product.call("DELETE", f"keys/{made['id']}").status_code == 200
    assert product.call("GET", "runs", key=new).status_code == 401


def test_d126_what_was_done_is_in_a_chain_that_cannot_be_edited_unseen(
    product: Product, own_product: Callable[..., Product]
):
    slug = product.agent("d126")
    product.revise(slug, sop="Other.")
    product.make_live(slug, 2)
    product.run(slug)
    key = product.new_key("runner")
    product.call("DELETE", f"keys/{key['id']}")
    freeze = product.post("freezes", {"scope": "workspace", "reason": "d126"})["id"]
    product.post(f"freezes/{freeze}:lift")
    product.call("PUT", "budget", json={"daily_cap_usd": None})
    *rows, last = [json.loads(line) for line in product.call("GET", "audit:export").text.splitlines()]
    assert (last["claim"]["rows"], len(last["signature"])) == (len(rows), 88)
    actions = {row["action"] for row in rows}
    assert {
        "workspace.founded", "agent.created", "agent.draft_saved", "revision.frozen", "revision.made_live",
        "run.request", "key.created", "key.revoked", "connection.created", "tool.effect_set", "budget.daily_cap_set",
    } <= actions  # fmt: skip
    assert {action for action in actions if action.startswith("freeze.")}
    assert [row["hash"] for row in rows][:-1] == [row["previous_hash"] for row in rows][1:]
    assert len({row["hash"] for row in rows}) == len(rows)
    for method in ("PUT", "PATCH", "DELETE"):
        assert product.call(method, "audit").status_code == 405
    assert product.get("audit:verify") == {"rows": len(rows), "first_broken_seq": None, "reason": "", "from_seq": 1}

    copy = own_product()
    shutil.rmtree(copy.data)
    product_copy(product, copy)
    copy.cli("audit", "verify", *product.here)
    middle = rows[len(rows) // 2]
    tampered = ("update audit set actor_name = 'Nobody' where id = ?", (middle["id"],))
    with sqlite3.connect(copy.data / "signoff.sqlite") as database:
        # The database itself refuses; whoever has the file can switch that off, and is found out.
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(*tampered)
        triggers = "select name from sqlite_master where type = 'trigger' and tbl_name = 'audit'"
        for (name,) in database.execute(triggers).fetchall():
            database.execute(f"drop trigger {name}")
        database.execute(*tampered)
    told = json.loads(copy.cli("audit", "verify", "--json", *product.here, code=1).stdout)
    assert (told["first_broken_seq"], told["reason"]) == (middle["seq"], "its content was changed")


def product_copy(product: Product, copy: Product) -> None:
    """The data of a served product, as a backup takes it."""
    copy.data.mkdir()
    for path in product.data.iterdir():
        if path.is_file() and path.suffix != ".sqlite" and not path.name.endswith(("-wal", "-shm")):
            shutil.copy(path, copy.data / path.name)
    with (
        sqlite3.connect(product.data / "signoff.sqlite") as source,
        sqlite3.connect(copy.data / "signoff.sqlite") as target,
    ):
        source.backup(target)


def test_d127_a_repeated_request_is_done_once(product: Product, provider: FakeProvider):
    slug = product.agent("d127", tools=("post",))
    provider.will(slug, acts("post"))
    headers = {"Idempotency-Key": "d127-request"}
    answers = [
        product.call("POST", f"agents/{slug}:execute", json={"input": "d127", "wait": True}, headers=headers)
        for _ in range(3)
    ]
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    assert (len(product.get("runs", agent=slug)["items"]), product.done("post", "d127")) == (1, 1)
    other = product.call("POST", f"agents/{slug}:execute", json={"input": "other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"} <= set(answers[0].headers)
