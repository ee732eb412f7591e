"""An agent that calls another one, started and read over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx2

from signoff.gateways.model.providers import forget_script, register_script
from signoff.settings import Settings
from tests.api.world import BODY, make_world
from tests.engine.kit_engine import calling

CHILD: dict[str, Any] = {**BODY, "model": {"name": "scripted:journey-child"}}
PARENT: dict[str, Any] = {
    **BODY,
    "model": {"name": "scripted:journey-parent"},
    "sub_agents": [{"agent": "orders", "tool": "ask_orders"}],
}


def test_a_call_to_a_child_is_started_and_read_over_http(
    settings: Settings, serving: Callable[[Any], AbstractContextManager[str]]
) -> None:
    register_script("journey-child", calling("Shipped."))
    register_script("journey-parent", calling([("ask_orders", {"input": "Where is it?"})], "On its way."))
    world = make_world(settings, with_worker=True)
    with serving(world.app) as address:
        headers = {"x-agent-api-key": world.keys["admin"]}
        with httpx2.Client(base_url=address, headers=headers, timeout=60) as client:
            for slug, body in (("orders", CHILD), ("parent", PARENT)):
                made = client.post("/v1/acme/agents", json={"slug": slug, "name": slug.title(), "body": body})
                assert made.status_code == 201, made.text
                frozen = client.post(f"/v1/acme/agents/{slug}/revisions", json={"reason": "first"})
                assert frozen.status_code == 201, frozen.text
            done = client.post("/v1/acme/agents/parent:execute", json={"input": {"text": "Go"}, "wait": True}).json()
            assert (done["status"], done["output"]) == ("completed", "On its way.")
            family = client.get(f"/v1/acme/runs/{done['id']}/family").json()
            only = client.get("/v1/acme/runs", params={"children": "only"}).json()["items"]
            without = client.get("/v1/acme/runs", params={"children": "without", "agent": "orders"}).json()["items"]
            every = client.get("/v1/acme/runs", params={"agent": "orders"}).json()["items"]
            odd = client.get("/v1/acme/runs", params={"children": "odd"})
    forget_script("journey-child")
    forget_script("journey-parent")
    assert [(run["agent_slug"], run["depth"], run["state"]) for run in family["runs"]] == [
        ("parent", 0, "completed"), ("orders", 1, "completed"),
    ]  # fmt: skip
    assert family["root_id"] == done["id"]
    assert [run["parent_run_id"] for run in only] == [done["id"]]
    assert (without, [run["id"] for run in every], odd.status_code) == ([], [only[0]["id"]], 422)
