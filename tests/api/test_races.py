"""Two who do the same at the same moment: one is first, the other is told so. Never a crash."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from signoff.people.actions import revoke_key
from tests.api.world import World

RACERS = 8
CONNECTION = {
    "environment": "staging", "slug": "twin", "name": "Twin", "kind": "mcp_http",
    "config": {"url": "http://127.0.0.1:65432/mcp"},
}  # fmt: skip
RACES: list[tuple[str, dict[str, Any], int]] = [
    ("/v1/acme/connections", CONNECTION, 201),
    ("/v1/acme/members", {"email": "twin@acme.example", "name": "Twin", "role": "viewer"}, 201),
    ("/v1/acme/secrets", {"connection_id": "{connection}", "name": "TWIN", "value": "four-letters"}, 201),
    ("/v1/acme/agents", {"slug": "twin", "name": "Twin", "body": {"sop": "x", "model": {"name": "openai:x"}}}, 201),
    ("/v1/acme/freezes", {"scope": "workspace", "reason": "Twin"}, 201),
    ("/v1/orchestrations/run", {"runId": "twin", "workflowId": "helper", "input": 1}, 202),
]


def at_once(world: World, path: str, body: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    start = threading.Barrier(RACERS)

    def send() -> None:
        with world.client(key=world.keys["admin"]) as client:
            start.wait()
            found.append(client.post(path, json=body))

    threads = [threading.Thread(target=send) for _ in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize(("path", "body", "made"), RACES)
def test_one_makes_it_and_the_others_are_told(world: World, path: str, body: dict[str, Any], made: int) -> None:
    told = {name: value.format(**world.ids) if isinstance(value, str) else value for name, value in body.items()}
    statuses = sorted(answer.status_code for answer in at_once(world, path, told))
    assert statuses == [made] + [409] * (RACERS - 1)


def test_an_input_key_sent_by_many_at_once_is_one_run(world: World) -> None:
    answers = at_once(world, "/v1/acme/agents/helper:execute", {"input": 1, "inputKey": "message-1"})
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_an_idempotency_key_of_one_caller_says_nothing_of_anothers(world: World) -> None:
    """Two callers who chose the same key get an answer each; a revoked one gets none from the memory."""
    headers = {"Idempotency-Key": "the-same"}
    with world.client(key=world.keys["runner"]) as runner, world.client(key=world.keys["admin"]) as admin:
        one = runner.post("/v1/acme/agents/helper:execute", json={"input": 1}, headers=headers)
        two = admin.post("/v1/acme/agents/helper:execute", json={"input": 1}, headers=headers)
        assert (one.status_code, two.status_code) == (202, 202)
        assert one.json()["id"] != two.json()["id"]
        mine = next(key for key in admin.get("/v1/acme/keys").json()["items"] if key["name"] == "Runner")
        with world.store.write() as session:
            revoke_key(session, world.alice, mine["id"])
        again = runner.post("/v1/acme/agents/helper:execute", json={"input": 1}, headers=headers)
        assert again.status_code == 401
