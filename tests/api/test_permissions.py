"""`x-user-role` only ever takes away. What each caller may do at all, `test_sweep.py` asks."""

from __future__ import annotations

import pytest

from signoff.watch.actions import raise_alert
from tests.api.world import BODY, World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.mark.parametrize("header", ["viewer", "member", "admin", "owner", "root", ""])
def test_the_role_header_only_takes_away(world: World, header: str) -> None:
    with world.client(session=world.tokens["builder"]) as client:
        before = client.get("/v1/me").json()["permissions"]
        after = client.get("/v1/me", headers={"x-user-role": header}).json()["permissions"]
        assert set(after) <= set(before)
        assert all(before[action] in ("all", far) for action, far in after.items())
        if header in ("viewer", "root"):
            assert (
                client.post(
                    "/v1/acme/agents", json={"slug": "x", "name": "X"}, headers={"x-user-role": header}
                ).status_code
                == 403
            )
    with world.client() as nobody:
        assert nobody.get("/v1/me", headers={"x-user-role": "admin"}).status_code == 401


def test_the_header_makes_nobody_an_owner(world: World) -> None:
    """Whoever names the role above their own keeps what they have, and has no more."""
    owner = {"x-user-role": "owner"}
    with world.client(session=world.tokens["administrator"]) as deputy:
        granted = deputy.get("/v1/me", headers=owner).json()["permissions"]
        new = {"email": "mallory@acme.example", "name": "Mallory", "role": "owner"}
        assert deputy.post("/v1/acme/members", json=new, headers=owner).status_code == 403
        alice = f"/v1/acme/members/{world.ids['member']}"
        assert deputy.patch(alice, json={"role": "viewer"}, headers=owner).status_code == 403
        assert deputy.post(f"{alice}:link", json={}, headers=owner).status_code == 403
    assert "owner.manage" not in granted
    assert granted["member.manage"] == "all"


def test_the_header_narrows_grants_and_leaves_what_is_below_it(world: World) -> None:
    with world.client(session=world.tokens["owner"]) as alice:
        viewer = next(one["id"] for one in alice.get("/v1/acme/members").json()["items"] if one["role"] == "viewer")
        given = alice.post("/v1/acme/agents/helper/grants", json={"member_id": viewer, "level": "editor"})
        assert given.status_code == 201, given.text
    change = {"description": "changed by the grant"}
    with world.client(session=world.tokens["viewer"]) as client:
        for header, status in (({}, 200), ({"x-user-role": "builder"}, 200), ({"x-user-role": "viewer"}, 403)):
            assert client.patch("/v1/acme/agents/helper", json=change, headers=header).status_code == status, header


def test_a_service_account_works_on_the_agent_it_was_given_a_level_on(world: World) -> None:
    with world.client(session=world.tokens["owner"]) as alice:
        account = {"slug": "nightly", "name": "Nightly", "role": "viewer"}
        assert alice.post("/v1/acme/service-accounts", json=account).status_code == 201
        grant = {"service_account": "nightly", "level": "operator"}
        made = alice.post("/v1/acme/agents/helper/grants", json=grant)
        assert made.status_code == 201, made.text
        told = alice.get("/v1/acme/agents/helper/grants").json()["items"]
        assert [(one["service_account"], one["holder_kind"]) for one in told if one["id"] == made.json()["id"]] == [
            ("nightly", "service_account")
        ]
        wanted = {"name": "n", "preset": "runner", "service_account": "nightly"}
        key = alice.post("/v1/acme/keys", json=wanted).json()["key"]
        other = {"slug": "other", "name": "Other", "body": BODY}
        assert alice.post("/v1/acme/agents", json=other).status_code == 201
    with world.client(key=key) as nightly:
        assert nightly.post("/v1/acme/agents/helper:execute", json={"input": {"text": "x"}}).status_code not in (
            403,
            404,
        )
        refused = nightly.post("/v1/acme/agents/other:execute", json={"input": {"text": "x"}})
        assert (refused.status_code, refused.json()["required"]) == (403, "run.start")


def test_alerts_are_asked_for_by_agent(world: World) -> None:
    with world.store.write() as session:
        raise_alert(session, world.acme.workspace_id, key="a", kind="test", text="Look.", agent_id=world.ids["agent"])
    with world.client(session=world.tokens["owner"]) as alice, world.client(session=world.tokens["charlie"]) as charlie:
        told = alice.get("/v1/acme/alerts?agent=helper").json()["items"]
        assert [(one["text"], one["agent"]) for one in told] == [("Look.", "helper")]
        assert len(alice.get("/v1/acme/alerts").json()["items"]) == 2
        assert alice.get("/v1/acme/alerts?agent=nobody").status_code == 404
        assert charlie.get(f"/v1/other/alerts?agent={world.ids['agent']}").status_code == 404
