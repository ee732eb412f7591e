"""What was asked never stands in the log: no token of an address, no key, no password, no body."""

from __future__ import annotations

import logging

import pytest

from signoff.kit.logs import JsonFormatter, TextFormatter
from tests.api.world import World

CANARY = "canary4711"

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def test_requests_are_logged_by_route_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with world.client() as nobody:
        nobody.get(f"/setup/set_{CANARY}")
        nobody.post(f"/setup/set_{CANARY}", data={"password": CANARY, "again": CANARY})
        nobody.post("/sign-in", data={"email": f"{CANARY}@example.com", "password": CANARY})
        nobody.get(f"/sign-in?next=/{CANARY}")
        nobody.get(f"/{CANARY}/{CANARY}")
        nobody.get("/v1/me", headers={"Authorization": f"Bearer so_{CANARY}"})
        nobody.get("/v1/me", headers={"X-Request-Id": CANARY, "User-Agent": CANARY, "Host": f"{CANARY}.example"})
    with world.client(key=world.keys["admin"]) as client:
        client.post("/v1/acme/agents/helper:execute", json={"input": CANARY})
        client.post("/v1/acme/agents/helper:execute", content=f'{{"input": {CANARY}'.encode())
        client.get(f"/v1/acme/runs?text={CANARY}")
        body = {"connection_id": world.ids["connection"], "name": "NEW", "value": CANARY}
        assert client.post("/v1/acme/secrets", json=body).status_code == 201
        assert client.get(f"/v1/acme/runs/{CANARY}").status_code == 404
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    requests = [each for each in ours if each.getMessage() == "request"]
    assert len(requests) >= 10
    assert "/setup/{token}" in {vars(each)["route"] for each in requests}
    for each in ours:
        for formatter in (JsonFormatter(), TextFormatter()):
            assert CANARY not in formatter.format(each).lower(), each


def test_a_crash_is_answered_and_logged_without_its_words(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **named: object) -> None:
        raise RuntimeError(f"the row was {CANARY}")

    monkeypatch.setattr("signoff.people.queries.members", broken)
    with world.client(key=world.keys["admin"]) as client:
        answer = client.get("/v1/acme/members")
    assert answer.status_code == 500
    assert CANARY not in answer.text
    crash = next(each for each in caplog.records if each.getMessage() == "a request crashed")
    assert CANARY not in JsonFormatter().format(crash)
    assert "RuntimeError" in JsonFormatter().format(crash)


def test_signing_out_ends_the_session_on_the_server(world: World) -> None:
    with world.client(session=world.tokens["owner"]) as client:
        out = client.post("/sign-out")
        assert out.status_code == 303
        assert client.get("/v1/me", headers={"Cookie": f"session={world.tokens['owner']}"}).status_code == 401


@pytest.mark.parametrize("cookie", ["session", "__Host-session"])
def test_with_https_only_the_cookie_no_neighbour_can_set_counts(world: World, cookie: str) -> None:
    world.app.state.house.settings.is_https = True
    with world.client() as client:
        headers = {"Cookie": f"{cookie}={world.tokens['owner']}", "Sec-Fetch-Site": "same-origin"}
        is_ours = cookie == "__Host-session"
        assert client.get("/v1/me", headers=headers).status_code == (200 if is_ours else 401)
        assert client.get("/w/acme/runs", headers=headers).status_code == (200 if is_ours else 303)
