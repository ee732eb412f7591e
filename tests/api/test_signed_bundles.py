"""Bundles over the API: taken away, checked, planned, brought in; the keys that are trusted; promoting."""

from __future__ import annotations

import json
from typing import Any

from tests.api.world import BODY, World

AGENT = "/v1/acme/agents/helper"


def test_a_revision_goes_from_one_workspace_to_another_with_its_digest(world: World) -> None:
    with world.client(key=world.keys["admin"]) as acme, world.client(key=world.keys["charlie"]) as other:
        told = acme.get(f"{AGENT}/revisions/1/bundle")
        assert told.status_code == 200
        assert told.headers["content-disposition"] == 'attachment; filename="helper-1.bundle.json"'
        text = told.text
        assert told.headers["etag"].strip('"') == json.loads(text)["digest"]
        checked = other.post("/v1/other/bundles:verify", json={"bundle": text}).json()
        assert (checked["is_good"], checked["signer"], checked["agent"]) == (True, "this installation", "helper")
        plan = other.post("/v1/other/bundles:import", json={"bundle": text, "dry_run": True}).json()
        assert (plan["kind"], plan["number"], plan["imported"], plan["missing"]) == ("create", 1, None, [])
        assert other.get("/v1/other/agents/helper").status_code == 404
        made = other.post("/v1/other/bundles:import", json={"bundle": text}).json()
        ours = acme.get(f"{AGENT}/revisions/1").json()["facts"]["hash"]
        theirs = other.get("/v1/other/agents/helper/revisions/1").json()["facts"]["hash"]
        assert made["imported"]["hash"] == ours == theirs
        chain = other.get("/v1/other/agents/helper/revisions/1/provenance").json()
        assert [link["act"] for link in chain["links"]] == ["frozen", "promoted", "promoted", "imported"]
        assert chain["links"][0]["workspace"] == "acme"


def test_what_was_changed_is_refused_and_each_failure_named(world: World) -> None:
    with world.client(key=world.keys["admin"]) as acme:
        text = acme.get(f"{AGENT}/revisions/1/bundle").text
        changed = text.replace("politely", "rudely..")
        assert changed != text
        checked = acme.post("/v1/acme/bundles:verify", json={"bundle": changed}).json()
        failed = {check["name"] for check in checked["checks"] if not check["is_good"]}
        assert (checked["is_good"], failed) == (False, {"digest", "revision"})
        refused = acme.post("/v1/acme/bundles:import", json={"bundle": changed})
        assert (refused.status_code, refused.json()["code"]) == (422, "bundle_refused")
        assert set(refused.json()["errors"]) == {"digest", "revision"}


def test_both_missing_bindings_are_told(world: World) -> None:
    body: dict[str, Any] = {
        **BODY, "sop": "Use {{secret.ERP_TOKEN}}.", "tools": [{"slot": "erp", "allow": [{"tool": "find"}]}],
        "secrets": ["ERP_TOKEN"], "gates": [{"name": "all", "tools": ["erp.*"], "asks": ["owner"]}],
    }  # fmt: skip
    with world.client(key=world.keys["admin"]) as acme, world.client(key=world.keys["charlie"]) as other:
        assert acme.post("/v1/acme/agents", json={"slug": "bound", "name": "Bound", "body": body}).status_code == 201
        frozen = acme.post("/v1/acme/agents/bound/revisions", json={"reason": "first"})
        assert frozen.status_code == 201, frozen.text
        text = acme.get("/v1/acme/agents/bound/revisions/1/bundle").text
        refused = other.post("/v1/other/bundles:import", json={"bundle": text})
        assert (refused.status_code, refused.json()["code"]) == (409, "bindings_missing")
        assert [one["name"] for one in refused.json()["missing"]] == ["erp", "ERP_TOKEN"]
        made = other.post("/v1/other/bundles:import", json={"bundle": text, "allow_missing": True}).json()
        assert made["imported"]["missing"] == ["erp", "ERP_TOKEN"]
        live = other.post(
            "/v1/other/agents/bound:live", json={"environment": "staging", "revision": "1", "reason": "try"}
        )
        assert (live.status_code, live.json()["code"]) == (409, "bindings_missing")


def test_keys_are_shown_trusted_and_taken_away(world: World) -> None:
    key = "C" * 42 + "A="
    with world.client(key=world.keys["admin"]) as acme:
        own, *rest = acme.get("/v1/acme/bundle-keys").json()["items"]
        assert (own["is_own"], len(own["key_id"])) == (True, 32)
        made = acme.post("/v1/acme/bundle-keys", json={"public_key": key, "name": "The other house"})
        assert made.status_code == 201
        again = acme.post("/v1/acme/bundle-keys", json={"public_key": key, "name": "Again"})
        assert (again.status_code, again.json()["code"]) == (409, "key_trusted")
        assert len(acme.get("/v1/acme/bundle-keys").json()["items"]) == len(rest) + 2
        assert acme.delete(f"/v1/acme/bundle-keys/{made.json()['id']}").status_code == 200
        assert acme.delete(f"/v1/acme/bundle-keys/{made.json()['id']}").status_code == 404


def test_promoting_without_a_run_that_speaks_for_it_is_refused(world: World) -> None:
    with world.client(key=world.keys["admin"]) as acme:
        draft = acme.get(f"{AGENT}/draft").json()
        saved = acme.put(f"{AGENT}/draft", json={"body": {**BODY, "sop": "Again."}, "version": draft["version"]})
        assert saved.status_code == 200, saved.text
        assert acme.post(f"{AGENT}/revisions", json={"reason": "second"}).status_code == 201
        refused = acme.post(f"{AGENT}:promote", json={"to": "production", "revision": "2", "reason": "now"})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_served_there")
        acme.post(f"{AGENT}:live", json={"environment": "staging", "revision": "2", "reason": "try"})
        refused = acme.post(f"{AGENT}:promote", json={"to": "production", "reason": "now"})
        assert (refused.status_code, refused.json()["code"]) == (409, "smoke_missing")
