"""Evidence, policy and words over the API."""

from __future__ import annotations

from typing import Any

from tests.api.world import World

TIGHT = "version: 1\nprobes: {testing.end_to_end: {threshold: 9}}"


def test_the_evidence_says_what_keeps_a_revision_back(world: World):
    with world.client(key=world.keys["admin"]) as client:
        found: dict[str, Any] = client.get("/v1/acme/agents/helper/evidence").json()
        staging = client.get("/v1/acme/agents/helper/evidence", params={"environment": "staging"}).json()
        after = client.get("/v1/acme/agents/helper/evidence", params={"phase": "after"}).json()
        nobody = client.get("/v1/acme/agents/helper/evidence", params={"revision": "99"})
    assert found["tier"] == "low"
    assert found["blockers"] == []
    by_id = {one["probe"]: one for one in found["results"]}
    assert by_id["testing.end_to_end"]["status"] == "missing"
    assert by_id["testing.end_to_end"]["source"].startswith("Promote to Production, line 13")
    assert by_id["owner.runbook"]["status"] == "attested"
    assert {one["probe"]: one["status"] for one in staging["results"]}["owner.runbook"] == "missing"
    assert {one["group"] for one in after["results"]} == {"after"}
    assert nobody.status_code == 404


def test_a_policy_is_tried_then_set_and_the_second_of_two_is_told_who_was_first(world: World):
    body = {"text": TIGHT, "reason": "stricter", "version": 0}
    with world.client(session=world.tokens["owner"]) as client:
        tried = client.put("/v1/acme/probe-policy", json={**body, "dry_run": True}).json()
        before = client.get("/v1/acme/probe-policy").json()
        done = client.put("/v1/acme/probe-policy", json=body)
        late = client.put("/v1/acme/probe-policy", json={**body, "text": "version: 1"})
        wrong = client.put(
            "/v1/acme/probe-policy", json={**body, "text": "version: 1\nprobes: {a.b: {}}", "version": 1}
        )
        after = client.get("/v1/acme/probe-policy").json()
        versions = client.get("/v1/acme/probe-policy/versions").json()
        evidence = client.get("/v1/acme/agents/helper/evidence").json()
    assert (tried["version"], tried["changes"][0]["kind"]) == (None, "tightened")
    assert before["version"] == 0
    assert (done.status_code, done.json()["version"]) == (200, 1)
    assert (late.status_code, late.json()["code"], late.json()["by"]) == (409, "policy_changed", "Alice")
    assert wrong.status_code in (400, 422)
    assert "probes.a.b" in wrong.json()["errors"]
    assert (after["version"], after["text"], after["digest"]) == (1, TIGHT, tried["digest"])
    assert [one["version"] for one in versions["items"]] == [1]
    assert evidence["policy_digest"] == tried["digest"]


def test_a_word_is_given_once_listed_and_taken_back(world: World):
    body = {
        "environment": "production", "probe": "testing.end_to_end", "kind": "waive", "days": 5, "reason": "Tried.",
    }  # fmt: skip
    with world.client(session=world.tokens["manager"]) as client:
        made = client.post("/v1/acme/agents/helper/vouchings", json=body, headers={"Idempotency-Key": "k-1"})
        again = client.post("/v1/acme/agents/helper/vouchings", json=body, headers={"Idempotency-Key": "k-1"})
        second = client.post("/v1/acme/agents/helper/vouchings", json=body)
        safety = client.post("/v1/acme/agents/helper/vouchings", json={**body, "probe": "product.revision_intact"})
        listed = client.get("/v1/acme/agents/helper/vouchings").json()["items"]
        gone = client.delete(f"/v1/acme/vouchings/{made.json()['id']}")
        twice = client.delete(f"/v1/acme/vouchings/{made.json()['id']}")
    assert (made.status_code, again.json()) == (201, made.json())
    assert (second.status_code, second.json()["code"]) == (409, "already_vouched")
    assert (safety.status_code, safety.json()["code"]) == (409, "safety_probe")
    assert [one["probe"] for one in listed] == ["testing.end_to_end", "owner.runbook"]
    assert listed[0]["by_role"] == "manager"
    assert (gone.status_code, twice.status_code) == (200, 409)
