"""A key that is bound to one environment stays in it, whatever its preset, and whatever it is asked to make."""

from __future__ import annotations

import pytest

from signoff.people.actions import create_key
from tests.api.world import BODY, World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def staging(world: World) -> str:
    """An administrator's key, bound to staging. Everything in the world is in production."""
    with world.store.write() as session:
        return create_key(session, world.alice, name="Staging", preset="admin", environment="staging").key


def test_what_concerns_the_whole_workspace_is_refused(world: World, staging: str) -> None:
    member = {"email": "mallory@acme.example", "name": "Mallory", "role": "administrator"}
    with world.client(key=staging) as client:
        answers = [
            client.post("/v1/acme/members", json=member),
            client.post(f"/v1/acme/members/{world.ids['member']}:link", json={}),
            client.put("/v1/acme/budget", json={"daily_cap_usd": "1000"}),
            client.post("/v1/acme/freezes", json={"scope": "workspace", "reason": "x"}),
            client.post(f"/v1/acme/freezes/{world.ids['freeze']}:lift"),
            client.post("/v1/acme/agents/helper:disable", json={"reason": "x"}),
            client.get("/v1/acme/audit"),
            client.get("/v1/acme/audit:export"),
        ]
        granted = client.get("/v1/me").json()["permissions"]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert "one environment" in answers[0].json()["detail"]
    assert "member.manage" not in granted


def test_it_makes_and_rotates_keys_for_its_own_environment_only(world: World, staging: str) -> None:
    with world.client(key=staging) as client:
        wide = client.post("/v1/acme/keys", json={"name": "Wide", "preset": "admin", "environment": "production"})
        same = client.post("/v1/acme/keys", json={"name": "Same", "preset": "admin"})
        assert (wide.status_code, same.status_code) == (403, 201)
        assert client.post(f"/v1/acme/keys/{same.json()['id']}:rotate").status_code == 200
        assert client.post(f"/v1/acme/keys/{world.ids['key']}:rotate").status_code == 404
        listed = client.get("/v1/acme/keys").json()["items"]
    assert {key["environment"] for key in listed} == {"staging"}


@pytest.mark.parametrize("thing", ["runs/{run}", "runs/{run}/steps", "runs/{run}/messages", "connections/{connection}"])
def test_things_of_another_environment_are_not_there(world: World, staging: str, thing: str) -> None:
    with world.client(key=staging) as client:
        assert client.get(f"/v1/acme/{thing.format(**world.ids)}").status_code == 404


def test_lists_hold_nothing_of_another_environment(world: World, staging: str) -> None:
    with world.client(key=staging) as client:
        for path in ("runs", "connections", "secrets", "effects", "agents/helper/deployments"):
            assert client.get(f"/v1/acme/{path}").json()["items"] == [], path
        live = client.get("/v1/acme/agents/helper").json()["live"]
        assert [place["environment"] for place in live] == ["staging"]


def test_neither_runs_nor_deploys_elsewhere(world: World, staging: str) -> None:
    with world.client(key=staging) as client:
        run = client.post("/v1/acme/agents/helper:execute", json={"input": 1, "environment": "production"})
        live = {"environment": "production", "revision": "1", "reason": "x"}
        assert (run.status_code, client.post("/v1/acme/agents/helper:live", json=live).status_code) == (404, 404)
        assert client.post(f"/v1/acme/runs/{world.ids['run']}:replay").status_code == 404


def test_the_first_revision_it_freezes_serves_its_environment_alone(world: World, staging: str) -> None:
    with world.client(key=staging) as client:
        made = client.post("/v1/acme/agents", json={"slug": "fresh", "name": "Fresh", "body": BODY})
        assert made.status_code == 201, made.text
        frozen = client.post("/v1/acme/agents/fresh/revisions", json={"reason": "first"})
        assert frozen.status_code == 201, frozen.text
    with world.client(session=world.tokens["owner"]) as alice:
        live = alice.get("/v1/acme/agents/fresh").json()["live"]
        assert [place["environment"] for place in live] == ["staging"]
        production = alice.post("/v1/acme/agents/fresh:execute", json={"input": 1})
    assert production.json()["code"] == "nothing_live"
