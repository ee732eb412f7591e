"""`x-user-role` only ever takes away. What each caller may do at all, `test_sweep.py` asks."""

from __future__ import annotations

import pytest

from tests.api.world import World

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
