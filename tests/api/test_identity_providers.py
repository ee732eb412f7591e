"""Single sign-on set up by a program: added, tested, switched on, changed, removed; the secret is never told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.world import World
from tests.kit_issuer import issuing

SECRET = "a client secret nobody reads"
AT = "/v1/acme/identity-providers"

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def entered(**more: Any) -> dict[str, Any]:
    return {"name": "Acme Login", "issuer": "https://login.example", "client_id": "signoff", **more}


def test_from_nothing_to_switched_on_and_away(world: World) -> None:
    with issuing() as issuer, world.client(key=world.keys["admin"]) as admin:
        body = entered(
            issuer=issuer.url,
            client_secret=SECRET,
            group_claim="groups",
            role_rules=[{"group": "leads", "role": "manager"}],
        )
        made = admin.post(AT, json=body, headers={"Idempotency-Key": "once"})
        again = admin.post(AT, json=body, headers={"Idempotency-Key": "once"})
        assert (made.status_code, again.json()) == (201, made.json())
        other = admin.post(AT, json={**body, "client_secret": "another"}, headers={"Idempotency-Key": "once"})
        assert other.status_code in (409, 422)
        one = f"{AT}/{made.json()['id']}"
        shown = admin.get(one)
        assert shown.json()["role_rules"] == [{"group": "leads", "role": "manager"}]
        assert (shown.json()["is_enabled"], shown.json()["is_vouched"]) == (False, False)
        assert admin.post(f"{one}:test").json()["keys"] == 1
        assert admin.post(f"{one}:enable").json()["is_enabled"] is True
        changed = admin.put(one, json=entered(issuer=issuer.url, name="Renamed", version=shown.json()["version"] + 1))
        assert changed.json()["name"] == "Renamed"
        assert admin.put(one, json=entered(issuer=issuer.url, version=1)).status_code == 409
        moved = admin.put(one, json=entered(version=changed.json()["version"]))
        assert (moved.status_code, list(moved.json()["errors"])) == (422, ["client_secret"])
        for answer in (made, shown, changed, moved, admin.get(AT)):
            assert SECRET not in answer.text
        assert admin.delete(one).json() == {"ok": True}
        assert admin.get(one).status_code == 404


def test_a_provider_that_cannot_be_used_says_why(world: World) -> None:
    with issuing() as issuer, world.client(key=world.keys["admin"]) as admin:
        made = admin.post(AT, json=entered(issuer=issuer.url, client_secret=SECRET)).json()["id"]
        issuer.metadata = {"issuer": "https://other.example"}
        answer = admin.post(f"{AT}/{made}:test")
        assert (answer.status_code, answer.json()["ok"]) == (200, False)
        assert "names another issuer" in answer.json()["problem"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"issuer": "http://login.example"}, "issuer"),
        ({"domains": ["x"]}, "domains"),
        ({"default_role": "owner"}, "default_role"),
        ({"client_secret": ""}, "client_secret"),
    ],
)
def test_wrong_input_names_its_field(world: World, more: dict[str, Any], field: str) -> None:
    with world.client(key=world.keys["admin"]) as admin:
        answer = admin.post(AT, json=entered(**{"client_secret": SECRET, **more}))
    assert answer.status_code == 422
    assert field in answer.json()["errors"]
    assert SECRET not in answer.text


def test_a_body_cannot_say_whose_it_is_or_that_an_owner_confirmed_it(world: World) -> None:
    with world.client(key=world.keys["admin"]) as admin:
        for more in ({"workspace_id": world.other.workspace_id}, {"vouched_by": "mem_x"}, {"is_enabled": True}):
            assert admin.post(AT, json=entered(client_secret=SECRET, **more)).status_code == 422


def test_a_key_of_an_environment_or_a_role_below_does_not_reach_it(world: World) -> None:
    with world.client(key=world.keys["runner"]) as runner:
        assert runner.get(AT).status_code == 403
        assert runner.put("/v1/acme/sso-only", json={"is_sso_only": True}).status_code == 403


def test_an_administrators_key_makes_no_owners(world: World) -> None:
    with world.client(key=world.keys["admin"]) as admin:
        rules = {"group_claim": "g", "role_rules": [{"group": "bosses", "role": "owner"}]}
        answer = admin.post(AT, json=entered(client_secret=SECRET, **rules))
    assert answer.status_code == 403
    assert answer.json()["required"] == "owner.manage"
