"""Is it alive, is it ready, and what the metrics say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, text, update
from starlette.testclient import TestClient

from signoff.kit import clock
from signoff.runs.actions import START
from signoff.runs.movement import Movement, standstill
from signoff.settings import Settings
from signoff.tables.record import OutboxMessage
from tests.api.world import BASE, World, make_world


def test_alive_needs_nothing_else(world: World) -> None:
    with world.client() as client:
        assert client.get("/v1/health/live").json()["ok"] is True


def test_without_a_worker_it_is_not_ready_and_says_what_to_start(world: World) -> None:
    with world.client() as client:
        for path in ("/v1/health", "/v1/health/ready"):
            answer = client.get(path)
            assert answer.status_code == 503
            checks = answer.json()["checks"]
            assert (checks["database"], checks["migrations"]) == ("ok", "ok")
            assert "signoff worker" in checks["worker"]


def test_a_schema_that_is_behind_is_told_with_the_next_command(world: World) -> None:
    with world.store.engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '0001'"))
    with world.client() as client:
        assert client.get("/v1/health").json()["checks"]["migrations"] == "behind: run signoff migrate"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_database_that_is_away_is_503_with_the_reason(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def away() -> None:
        raise OperationalError("select 1", {}, Exception("no route to host"))

    monkeypatch.setattr(world.store.engine, "connect", away)
    with world.client() as client:
        answer = client.get("/v1/health")
        assert answer.status_code == 503
        assert answer.json()["checks"]["database"].startswith("away")
        assert "no route" not in answer.text
        assert client.get("/v1/health/live").status_code == 200


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_metrics_are_for_this_machine_or_for_the_operators_token(settings: Settings) -> None:
    world = make_world(settings.model_copy(update={"metrics_token": SecretStr("tell me")}))
    with world.client() as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
        told = client.get("/metrics", headers={"Authorization": "Bearer tell me"}).text
    assert 'signoff_runs{state="queued"} 1\n' in told
    assert "signoff_oldest_queued_seconds " in told
    world.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_metrics_without_a_token_are_not_told_to_a_proxys_client(world: World) -> None:
    local = TestClient(world.app, base_url=BASE, client=("127.0.0.1", 5000))
    assert local.get("/metrics").status_code == 200
    assert local.get("/metrics", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 401
    far = TestClient(world.app, base_url=BASE, client=("10.0.0.1", 5000))
    assert far.get("/metrics").status_code == 401


def test_a_database_that_is_away_names_every_part_and_leaves_liveness_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def away() -> None:
        raise OperationalError("select 1", {}, Exception("no route to host"))

    monkeypatch.setattr(world.store.engine, "connect", away)
    with world.client() as client:
        answer = client.get("/v1/health/ready")
        assert answer.status_code == 503
        assert set(answer.json()["checks"]) == {"database", "migrations", "worker", "queue"}
        assert client.get("/v1/health/ready", params={"part": "database"}).status_code == 503
        assert client.get("/v1/health/live").status_code == 200


def test_what_serves_pages_is_ready_without_a_worker_when_asked_for_the_database_only(world: World) -> None:
    with world.client() as client:
        answer = client.get("/v1/health/ready", params={"part": ["database", "migrations"]})
        assert (answer.status_code, answer.json()["checks"]) == (200, {"database": "ok", "migrations": "ok"})
        assert client.get("/v1/health/ready", params={"part": "moon"}).status_code == 422


def test_a_queue_that_stands_still_is_not_ready_and_one_that_moves_is(world: World) -> None:
    def look(*, waited: int, begun: int | None) -> str:
        _set_queue(world, waited=waited, begun=begun)
        world.house.readiness._at = -1_000.0
        with world.client() as client:
            answer = client.get("/v1/health/ready", params={"part": "queue"})
        assert (answer.status_code == 200) == (answer.json()["checks"]["queue"] == "ok")
        return answer.json()["checks"]["queue"]

    assert look(waited=30, begun=None) == "ok"
    assert "the oldest run has waited 30" in look(waited=300, begun=None)
    assert "no worker is alive" in look(waited=300, begun=200)
    assert look(waited=300, begun=5) == "ok"


def _set_queue(world: World, *, waited: int, begun: int | None) -> None:
    """One run waits since then; another was taken from the queue then, or none."""
    moment = clock.now()
    with world.store.write() as session:
        session.execute(update(OutboxMessage).values(due_at=moment - timedelta(seconds=waited), done_at=None))
        session.execute(delete(OutboxMessage).where(OutboxMessage.id == "out_begun"))
        if begun is not None:
            session.add(
                OutboxMessage(
                    id="out_begun", workspace_id=world.acme.workspace_id, kind=START, payload={}, created_at=moment,
                    due_at=moment, done_at=moment - timedelta(seconds=begun),
                )
            )  # fmt: skip


@pytest.mark.parametrize(
    ("running", "places", "is_still"), [(0, 64, True), (63, 64, True), (64, 64, False), (0, 0, True), (5, 0, True)]
)
def test_workers_that_are_all_busy_are_no_standstill(running: int, places: int, is_still: bool) -> None:
    found = standstill(Movement(500.0, 500.0, running), seconds_max=120, places=places)
    assert (found is not None) is is_still
