"""`Idempotency-Key`: sent twice, done once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from signoff.api.once import sweep_answers
from signoff.kit import clock
from signoff.tables.people import ApiKey
from signoff.tables.record import AnsweredRequest
from signoff.tables.runs import Run
from tests.api.world import World

PATH = "/v1/acme/agents/helper:execute"


def runs(world: World) -> int:
    with world.store.read() as session:
        return session.scalar(select(func.count()).select_from(Run)) or 0


def test_the_same_request_twice_is_one_run_and_one_answer(world: World) -> None:
    before = runs(world)
    with world.client(key=world.keys["runner"]) as client:
        headers = {"Idempotency-Key": "once"}
        answers = [client.post(PATH, json={"input": {"a": 1}}, headers=headers) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
        other = client.post(PATH, json={"input": {"a": 2}}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert runs(world) == before + 1
    with world.client(key=world.keys["admin"]) as client:
        assert client.post(PATH, json={"input": {"a": 2}}, headers=headers).status_code == 202
    assert runs(world) == before + 2


def test_what_is_answered_at_once_is_what_is_read_afterwards(world: World) -> None:
    with world.client(key=world.keys["runner"]) as client:
        # The first is told from what was written, the second is read: nobody works on the run in between.
        first, second = (client.post(PATH, json={"input": {}}, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json() == second.json()
    assert first.headers["Location"] == second.headers["Location"]


def test_many_at_the_same_moment_are_one(world: World) -> None:
    before = runs(world)
    found: list[Any] = []

    def send() -> None:
        with world.client(key=world.keys["runner"]) as client:
            found.append(client.post(PATH, json={"input": {"a": 1}}, headers={"Idempotency-Key": "race"}))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in found} == {202}
    assert len({answer.json()["id"] for answer in found}) == 1
    assert runs(world) == before + 1


def test_a_key_is_shown_once_also_when_asked_twice(world: World) -> None:
    with world.client(key=world.keys["admin"]) as client:
        body, headers = {"name": "k"}, {"Idempotency-Key": "make"}
        first = client.post("/v1/acme/keys", json=body, headers=headers).json()
        second = client.post("/v1/acme/keys", json=body, headers=headers).json()
    assert first["key"].startswith("so_")
    assert (second["id"], second["key"]) == (first["id"], None)
    with world.store.read() as session:
        assert first["key"] not in str([row.body for row in session.scalars(select(AnsweredRequest))])
        assert session.get(ApiKey, first["id"]) is not None


def test_a_refused_request_may_be_repeated_with_the_same_key(world: World) -> None:
    with world.client(key=world.keys["admin"]) as client:
        headers = {"Idempotency-Key": "later"}
        body = {"slug": "late", "name": "Late"}
        wrong = client.post("/v1/acme/agents", json={**body, "owner_id": "mem_nobody"}, headers=headers)
        assert wrong.status_code in (404, 422)
        assert client.post("/v1/acme/agents", json=body, headers=headers).status_code == 201


def test_answers_are_kept_for_a_day(world: World) -> None:
    with world.client(key=world.keys["admin"]) as client:
        headers = {"Idempotency-Key": "old"}
        client.post(PATH, json={"input": {"a": 1}}, headers=headers)
        with world.store.write() as session:
            for row in session.scalars(select(AnsweredRequest)):
                row.created_at = clock.now() - timedelta(hours=25)
        before = runs(world)
        assert client.post(PATH, json={"input": {"a": 2}}, headers=headers).status_code == 202
        assert runs(world) == before + 1
    with world.store.write() as session:
        assert sweep_answers(session, before=clock.now() + timedelta(seconds=1)) == 1


def test_rates_are_told_and_kept(world: World) -> None:
    world.house.callers.limit = 3
    object.__setattr__(world.house, "callers", type(world.house.callers)(3))
    with world.client(key=world.keys["admin"]) as client:
        seen = [client.get("/v1/me") for _ in range(4)]
    assert [answer.status_code for answer in seen] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in seen] == ["2", "1", "0", "0"]
    assert int(seen[3].headers["Retry-After"]) >= 1
    with world.client(key=world.keys["runner"]) as other:
        assert other.get("/v1/me").status_code == 200
