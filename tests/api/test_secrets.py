"""Secrets through the API: nothing that was sent comes back, and every way to change one is there."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.connections.secrets import create_secret
from tests.api.world import World, make_connection

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
VALUE, SECOND = "planted/4711+value", "planted/4712+value"


def make(client: Any, world: World, **more: Any) -> Any:
    body = {"connection_id": world.ids["connection"], "name": "FRESH", "value": VALUE, **more}
    return client.post("/v1/acme/secrets", json=body)


def test_its_whole_life_and_no_value_in_any_answer(world: World) -> None:
    answers: list[str] = []
    with world.client(session=world.tokens["owner"]) as client:

        def ask(method: str, path: str, status: int = 200, **more: Any) -> Any:
            answer = client.request(method, f"/v1/acme/{path}", **more)
            answers.append(answer.text)
            assert answer.status_code == status, answer.text
            return answer.json() if answer.content else None

        made = make(client, world, agents=[world.ids["agent"]], expires_at="2031-03-31T00:00:00Z").json()["id"]
        assert [row["agent_slug"] for row in ask("GET", f"secrets/{made}/grants")] == ["helper"]
        assert ask("GET", "expiring-secrets")["items"][0]["id"] == made
        assert ask("GET", "expiring-secrets", params={"within_days": 1})["items"] == []
        assert ask("PUT", f"secrets/{made}", json={"value": SECOND, "reason": "the quarter"}) == {"version": 2}
        assert ask("POST", f"secrets/{made}/versions/1/restore", json={}) == {"version": 3}
        ask("POST", f"secrets/{made}/versions/99999999999999999999/restore", 404, json={})
        ask("POST", f"secrets/{made}/versions/x/restore", 422, json={})
        versions = ask("GET", f"secrets/{made}/versions")
        assert [(row["version"], row["reason"]) for row in versions] == [(3, ""), (2, "the quarter"), (1, "")]
        ask("DELETE", f"secrets/{made}/grants/{world.ids['agent']}")
        ask("DELETE", f"secrets/{made}/grants/{world.ids['agent']}", 409)
        ask("PUT", f"secrets/{made}/grants/helper", json={})
        edited = ask("PATCH", f"secrets/{made}", json={"description": "From the shop", "sensitivity": "high"})
        assert (edited["description"], edited["sensitivity"], edited["expires_at"]) == ("From the shop", "high", None)
        assert ask("PUT", f"secrets/{made}", 422, json={"value": VALUE})["code"] == "reason_needed"
        assert ask("GET", f"secrets/{made}/uses") == []
        ask("POST", f"secrets/{made}/share", 409, json={"reason": "x"})
        ask("POST", f"secrets/{made}/close", 409, json={"reason": "x"})
        ask("DELETE", f"secrets/{made}", 422)
        ask("DELETE", f"secrets/{made}", params={"reason": "not needed"})
        ask("GET", f"secrets/{made}", 404)
        ask("GET", "audit")
    assert not any(value in text for value in (VALUE, SECOND) for text in answers)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"value": None}, 422, "value"),
        ({"reference": "env:SIGNOFF_VALUE_X"}, 422, "value"),
        ({"value": None, "reference": "env:HOME"}, 422, "reference"),
        ({"value": None, "reference": "env:SIGNOFF_VALUE_X"}, 403, None),
        ({"agents": ["agt_nobody"]}, 422, "agents"),
        ({"sensitivity": "top"}, 422, "sensitivity"),
        ({"whose": "owner"}, 422, "whose"),
        ({"expires_at": "2031-03-31T00:00:00"}, 422, "expires_at"),
        ({"owner_id": "mem_x"}, 422, "owner_id"),
        ({"version": 7}, 422, "version"),
        ({"is_open_to_all": True}, 422, "is_open_to_all"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_kept(
    world: World, body: dict[str, Any], status: int, field: str | None
) -> None:
    with world.client(session=world.tokens["owner"]) as client:
        answer = make(client, world, **body)
        assert answer.status_code == status, answer.text
        assert VALUE not in answer.text
        if field:
            assert any(field in name for name in answer.json()["errors"])
        names = [row["name"] for row in client.get("/v1/acme/secrets").json()["items"]]
        assert "FRESH" not in names


def test_a_personal_login_is_not_a_colleagues_to_change(world: World) -> None:
    with world.client(session=world.tokens["owner"]) as owner, world.client(session=world.tokens["builder"]) as builder:
        made = make(owner, world, whose="personal").json()["id"]
        assert builder.get(f"/v1/acme/secrets/{made}").json()["owner_name"] == world.alice.name
        for method, path, body in (
            ("PUT", "", {"value": SECOND}),
            ("PATCH", "", {}),
            ("PUT", "/grants/helper", {}),
            ("POST", "/share", {}),
            ("POST", "/hand-over", {"member_id": world.acme.member_id}),
            ("POST", "/versions/1/restore", {}),
        ):
            answer = builder.request(method, f"/v1/acme/secrets/{made}{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "personal_secret"), path
        assert builder.delete(f"/v1/acme/secrets/{made}").status_code == 403
        assert owner.post(f"/v1/acme/secrets/{made}/share", json={}).status_code == 200
        assert builder.put(f"/v1/acme/secrets/{made}", json={"value": SECOND}).status_code == 403
        assert owner.put(f"/v1/acme/secrets/{made}", json={"value": SECOND}).json() == {"version": 2}
        # A key is nobody in person.
        with world.client(key=owner.post("/v1/acme/keys", json={"name": "k", "preset": "admin"}).json()["key"]) as key:
            assert make(key, world, name="KEYS", whose="personal").status_code == 422


def test_a_strangers_personal_secret_is_told_like_none(world: World) -> None:
    with world.store.write() as session:
        vault = world.house.services.vault
        connection = make_connection(session, world.charlie, world.other, "theirs")
        personal = create_secret(
            session, world.charlie, vault, connection_id=connection, name="X", value=VALUE, whose="personal"
        )
        shared = create_secret(session, world.charlie, vault, connection_id=connection, name="Y", value=VALUE)
    for who in ("builder", "owner", "viewer"):
        with world.client(session=world.tokens[who]) as client:
            told = [
                client.delete(f"/v1/acme/secrets/{one}") for one in (personal, shared, "sec_01m8f0kvhaes2pygav10hfhyer")
            ]
        assert len({(one.status_code, one.json()["code"], one.json()["detail"]) for one in told}) == 1, who
