"""The event stream of a draft: each newer version is told, whichever process saves it, to whoever may read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from signoff.agents.actions import save_draft, undo_draft
from signoff.people.actions import revoke_key, sign_out
from signoff.tables.people import ApiKey
from signoff.tables.session import Store
from tests.api.world import BODY, World

Serving = Callable[[Any], AbstractContextManager[str]]
Listen = Callable[..., Generator[dict[str, Any]]]
AT = "/v1/acme/agents/helper/draft"


@pytest.fixture
def listen(world: World, serving: Serving) -> Generator[Listen]:
    """Opens the stream of the draft, and gives its events."""
    with serving(world.app) as address, httpx2.Client(base_url=address, timeout=60) as client:

        def events(path: str = f"{AT}/events", **headers: str) -> Generator[dict[str, Any]]:
            with client.stream("GET", path, headers=headers) as answer:
                assert answer.status_code == 200
                assert answer.headers["content-type"].startswith("text/event-stream")
                told: dict[str, Any] = {}
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    if name in ("id", "event", "data"):
                        told[name] = json.loads(value) if name == "data" else value
                    elif not line and "data" in told:
                        yield told
                        told = {}

        yield events


def by_key(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.keys['runner']}"}


def save(store: Store, world: World, words: str, version: int) -> None:
    with store.write() as session:
        save_draft(session, world.alice, "helper", body={**BODY, "sop": words}, version=version)


def test_it_tells_the_present_version_and_each_newer_one(world: World, listen: Listen) -> None:
    events = listen(**by_key(world))
    assert next(events)["data"]["version"] == 1
    save(world.house.store if world.store.is_sqlite else world.store, world, "Other words.", 1)
    told = next(events)
    assert (told["event"], told["id"]) == ("draft", "2")
    assert (told["data"]["version"], told["data"]["kind"]) == (2, "saved")
    assert told["data"]["updated_by_name"] == world.alice.name
    assert "body" not in told["data"]
    with world.store.write() as session:
        undo_draft(session, world.alice, "helper", version=2)
    assert [next(events)["data"][name] for name in ("version",)] == [3]


def test_what_another_process_saves_is_told_too(world: World, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    events = listen(**by_key(world))
    assert next(events)["data"]["version"] == 1
    # As far as this process can tell: nobody here is woken.
    monkeypatch.setattr("signoff.agents.actions.draft_changes.wake_after_commit", lambda session, subject: None)
    save(world.store, world, "Other words.", 1)
    assert next(events)["data"]["version"] == 2


def test_it_goes_on_after_the_last_version_that_was_heard_of(world: World, listen: Listen) -> None:
    for version in (1, 2, 3):
        save(world.store, world, f"Words {version}.", version)
    assert next(listen(**by_key(world), **{"Last-Event-ID": "2"}))["data"]["version"] == 4
    # A number that this draft never had is no reason to keep silent.
    assert next(listen(**by_key(world), **{"Last-Event-ID": "9"}))["data"]["version"] == 4
    assert list(listen(f"{AT}/events?seconds=0", **by_key(world), **{"Last-Event-ID": "4"})) == []


def revoke(world: World) -> None:
    with world.store.write() as session:
        revoke_key(session, world.alice, session.scalars(select(ApiKey.id).where(ApiKey.name == "Runner")).one())


def leave(world: World) -> None:
    with world.store.write() as session:
        sign_out(session, world.tokens["administrator"])


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("how", "end"), [("key", revoke), ("session", leave)])
def test_it_ends_with_the_right_to_listen_and_tells_nothing_more(
    world: World, listen: Listen, how: str, end: Callable[[World], None]
) -> None:
    headers = by_key(world) if how == "key" else {"Cookie": f"session={world.tokens['administrator']}"}
    events = listen(**headers)
    assert next(events)["data"]["version"] == 1
    end(world)
    save(world.store, world, "canary-after-the-end", 1)
    # It ends: else this would wait until the client's time is over, and raise.
    assert list(events) == []


def test_strangers_hear_nothing(world: World) -> None:
    with world.client(session=world.tokens["charlie"]) as charlie, world.client() as nobody:
        for path in ("/v1/acme/agents/helper/draft/events", "/v1/other/agents/helper/draft/events"):
            assert charlie.get(path).status_code == 404
            assert nobody.get(path).status_code == 401


def test_undo_redo_and_reset_say_versions_and_refuse_late_ones(world: World) -> None:
    with world.client(key=world.keys["admin"]) as client:
        first = client.get(AT).json()
        assert (first["can_undo"], first["can_redo"]) == (False, False)
        nothing = client.post(f"{AT}:undo", json={"version": 1})
        assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_undo")
        assert client.put(AT, json={"body": {**BODY, "sop": "Two."}, "version": 1}).status_code == 200
        undone = client.post(f"{AT}:undo", json={}, headers={"If-Match": '"2"'})
        assert (undone.status_code, undone.headers["etag"], undone.json()["body"]) == (200, '"3"', first["body"])
        late = client.post(f"{AT}:redo", json={"version": 2})
        assert (late.status_code, late.json()["code"]) == (409, "stale_draft")
        assert late.json()["current"]["body"] == first["body"]
        redone = client.post(f"{AT}:redo", json={"version": 3}).json()
        assert (redone["version"], redone["body"]["sop"], redone["can_redo"]) == (4, "Two.", False)
        reset = client.post(f"{AT}:reset", json={"version": 4, "revision": "live"}).json()
        assert (reset["version"], reset["body"]["sop"]) == (5, BODY["sop"])
        assert client.post(f"{AT}:reset", json={}).json()["code"] == "version_needed"
        found = client.get(f"{AT}/versions").json()
        assert [save["kind"] for save in found["saves"]] == ["reset", "redone", "undone", "saved", "created"]
        assert client.get(f"{AT}/versions/4").json()["body"]["sop"] == "Two."
        assert client.get(f"{AT}/versions/77").status_code == 404
