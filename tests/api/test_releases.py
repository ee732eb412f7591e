"""Releases over the API: the same verbs, their refusals kept and told, and the same request answered alike."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from sqlalchemy import delete

from signoff.agents.actions import freeze_revision, save_draft
from signoff.settings import Settings
from signoff.tables.releases import Release, ShadowPair
from tests.api.world import BODY, World, make_world
from tests.rooms.releases.kit_releases import BLOCKER, Says

AGENT = "/v1/acme/agents/helper"


@pytest.fixture
def world(settings: Settings) -> Generator[World]:
    made = make_world(settings)
    with made.store.write() as session:
        session.execute(delete(ShadowPair).where(ShadowPair.release_id == made.ids["release"]))
        session.delete(session.get_one(Release, made.ids["release"]))
        for number in (2, 3):
            body = {**BODY, "sop": f"Edit {number}."}
            save_draft(session, made.alice, "helper", body=body, version=number - 1)
            freeze_revision(session, made.alice, "helper", reason=f"number {number}")
    yield made
    made.close()


def post(world: World, path: str, body: dict[str, Any], key: str | None = None, session: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    with world.client(key=None if session else world.keys["admin"], session=session) as client:
        return client.post(path, json=body, headers=headers)


def get(world: World, path: str) -> Any:
    with world.client(key=world.keys["admin"]) as client:
        return client.get(path).json()


def ask(world: World, revision: int = 2, **more: Any) -> Any:
    body = {"environment": "production", "revision": str(revision), "reason": "better", "strategy": {}, **more}
    return post(world, f"{AGENT}/releases", body)


def test_a_release_is_asked_for_read_and_gone_back_from(world: World):
    made = ask(world)
    assert made.status_code == 201
    seen = get(world, f"/v1/acme/releases/{made.json()['id']}")
    assert (seen["facts"]["state"], seen["facts"]["revision_number"]) == ("watching", 2)
    assert [event["kind"] for event in seen["timeline"]] == ["requested", "gated", "live", "watching"]
    plan = get(world, f"{AGENT}/rollback-plan?environment=production")
    assert (plan["from_number"], plan["target"]["number"], plan["in_flight"]["queued"]) == (2, 1, 0)
    drill = post(world, f"{AGENT}:drill", {"environment": "production"})
    assert drill.status_code == 200
    assert get(world, f"{AGENT}/drills")["items"][0]["is_passed"] is True
    back = post(world, f"{AGENT}:roll-back", {"environment": "production", "reason": "bad"})
    assert back.status_code == 200
    listed = get(world, f"{AGENT}/releases")["items"]
    assert [(one["revision_number"], one["state"]) for one in listed] == [(1, "settled"), (2, "rolled_back")]
    assert get(world, "/v1/acme/releases?state=rolled_back")["items"] == [listed[1]]
    assert get(world, f"/v1/acme/releases/{back.json()['id']}/writes")["items"] == []


def test_a_gate_that_is_not_met_says_what_to_do_and_the_attempt_is_kept(world: World, monkeypatch: pytest.MonkeyPatch):
    Says(monkeypatch, "medium", BLOCKER)
    body = {"environment": "production", "revision": "2", "reason": "better"}
    first = post(world, f"{AGENT}/releases", body, key="k1")
    again = post(world, f"{AGENT}/releases", body, key="k1")
    assert first.status_code == again.status_code == 409
    problem = first.json()
    assert (problem["code"], again.json()["release"]) == ("gate_not_met", problem["release"])
    assert problem["blockers"][0]["fix"] == "Run it three times as a test."
    (kept,) = get(world, f"{AGENT}/releases")["items"]
    assert (kept["id"], kept["state"], kept["code"]) == (problem["release"], "refused", "gate_not_met")
    # The short way asks the same gate.
    short = post(world, f"{AGENT}:live", {"environment": "production", "revision": "2", "reason": "x"})
    assert (short.status_code, short.json()["code"]) == (409, "gate_not_met")
    assert len(get(world, f"{AGENT}/releases")["items"]) == 2


def test_it_is_signed_by_another_member_by_hand(world: World, monkeypatch: pytest.MonkeyPatch):
    Says(monkeypatch, "high")
    made = ask(world).json()["id"]
    seen = get(world, f"/v1/acme/releases/{made}")
    assert (seen["facts"]["state"], seen["reviewers_wanted"]) == ("requested", 1)
    signed = {"verdict": "approve", "diff_digest": seen["diff_digest"], "comment": "read"}
    own = post(world, f"/v1/acme/releases/{made}:sign", signed)
    assert (own.status_code, own.json()["code"]) == (403, "own_release")
    other = {**signed, "diff_digest": "0" * 64}
    administrator = world.tokens["administrator"]
    assert post(world, f"/v1/acme/releases/{made}:sign", other, session=administrator).json()["code"] == "diff_changed"
    assert post(world, f"/v1/acme/releases/{made}:sign", signed, session=administrator).status_code == 200
    assert get(world, f"/v1/acme/releases/{made}")["facts"]["state"] == "watching"


def test_a_canary_is_promoted_or_called_off_from_what_was_seen(world: World):
    canary = {"canary": {"steps": [{"share_percent": 5, "minutes": 10}, {"share_percent": 50, "minutes": 10}]}}
    made = ask(world, strategy=canary).json()["id"]
    rival = ask(world, 3)
    assert (rival.status_code, rival.json()["code"], rival.json()["by"]) == (
        409,
        "release_under_way",
        "Alice, key Admin",
    )
    version = get(world, f"/v1/acme/releases/{made}")["facts"]["version"]
    path = f"/v1/acme/releases/{made}"
    assert post(world, f"{path}:promote", {"reason": "more", "version": version}).status_code == 200
    stale = post(world, f"{path}:abort", {"reason": "less", "version": version})
    assert (stale.status_code, stale.json()["code"]) == (409, "release_moved")
    assert post(world, f"{path}:abort", {"reason": "less"}).status_code == 200
    assert get(world, path)["facts"]["state"] == "aborted"


def test_a_strategy_that_cannot_be_read_is_told_where(world: World):
    refused = ask(world, strategy={"canary": {"steps": []}})
    assert refused.status_code == 422
    assert "strategy.canary" in refused.json()["errors"]


def test_a_release_is_taken_over_by_somebody_else_who_may_deploy(world: World):
    made = ask(world, strategy={"canary": {"steps": [{"share_percent": 50, "minutes": 60}]}}).json()["id"]
    seen = get(world, f"/v1/acme/releases/{made}")
    assert (seen["facts"]["held_since"], seen["can_take_over"]) == (None, False)
    taken = post(world, f"/v1/acme/releases/{made}:take-over", {"reason": "on call"}, session=world.tokens["owner"])
    assert taken.status_code == 200
    seen = get(world, f"/v1/acme/releases/{made}")
    assert (seen["facts"]["answered_by_name"], seen["can_take_over"]) == ("Alice", True)
    assert seen["facts"]["requested_by_name"] != "Alice"
