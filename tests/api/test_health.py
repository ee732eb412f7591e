"""Is it alive, is it ready, and what the metrics say."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from signoff.settings import Settings
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
