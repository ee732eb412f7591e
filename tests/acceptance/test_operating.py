"""Operating it: schema, start, crash, queue, limits. Each check breaks an installation of its own."""

from __future__ import annotations

import base64
import os
import re
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider

Make = Callable[..., Product]


def metrics(product: Product) -> dict[str, float]:
    """What `/metrics` says: name with labels → value."""
    text = product.call("GET", "/metrics", key="").text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_a4_migrating_again_does_nothing_and_a_wrong_order_is_refused(own_product: Make):
    product = own_product()
    assert product.cli_json("migrate")["steps"] == []
    product.cli("migrate", "--check")
    with sqlite3.connect(product.data / "signoff.sqlite") as database:
        before = database.execute("select * from alembic_version").fetchall()
        database.execute("update alembic_version set version_num = '9999'")
        # The release that made it does not say that this one may work on it.
        database.execute("update schema_floor set oldest = '9999'")
    refused = product.cli("migrate", code=14)
    assert "newer" in refused.stderr
    assert product.cli("serve", code=None).returncode != 0
    with sqlite3.connect(product.data / "signoff.sqlite") as database:
        database.execute("update alembic_version set version_num = ?", before[0])
    product.cli("migrate", "--check")


def test_a4_an_unmigrated_database_is_not_served(own_product: Make, tmp_path: Path):
    product = own_product()
    product.cli("migrate", "--check", "--data", str(tmp_path / "empty"), code=1)
    refused = product.cli("serve", "--data", str(tmp_path / "empty"), code=None)
    assert refused.returncode != 0
    assert "signoff migrate" in refused.stderr


@pytest.fixture(scope="module")
def idle(own_product: Make) -> Product:
    """A served product that carries nothing out, and lets few requests in."""
    product = own_product(serve_words=("--no-worker",), rate_per_minute=150).start()
    product.connect()
    return product


def test_a13_the_queue_and_its_age_can_be_seen_moving(idle: Product, provider: FakeProvider):
    slug = idle.agent("a13", tools=("post",))
    provider.will(slug, acts("post"))
    before = metrics(idle)
    assert before["signoff_oldest_queued_seconds"] == 0
    runs = [idle.execute(slug, f"a13-{number}")["id"] for number in range(3)]
    queued = metrics(idle)
    assert queued['signoff_runs{state="queued"}'] == before['signoff_runs{state="queued"}'] + 3
    first = queued["signoff_oldest_queued_seconds"]
    assert first > 0
    assert until(lambda: metrics(idle)["signoff_oldest_queued_seconds"] > first, "the oldest to get older")
    worker = idle.popen("worker")
    until(lambda: metrics(idle)['signoff_runs{state="completed"}'] >= 3, "the worker to do them")
    assert metrics(idle)['signoff_runs{state="queued"}'] == 0
    assert metrics(idle)["signoff_oldest_queued_seconds"] == 0
    worker.terminate()
    worker.wait()
    assert [idle.done("post", f"a13-{number}") for number in range(3)] == [1] * 3
    assert {idle.state(run) for run in runs} == {"completed"}


def test_a15_cancelling_a_queued_run_ends_it_at_once(idle: Product, provider: FakeProvider):
    slug = idle.agent("a15")
    run = idle.execute(slug)["id"]
    assert idle.state(run) == "queued"
    assert idle.call("POST", f"runs/{run}:cancel", json={}).status_code == 204
    assert idle.state(run) == "cancelled"
    assert idle.call("POST", f"runs/{run}:cancel", json={}).status_code == 409
    assert provider.calls(slug) == 0


def test_d127_too_many_requests_are_told_when_to_come_back(idle: Product):
    key = idle.new_key("read-only")["key"]
    answers = [idle.call("GET", "/v1/me", key=key) for _ in range(200)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 20
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert refused[0].headers["RateLimit-Remaining"] == "0"
    assert refused[0].json()["code"]
    # Another caller is not held back by it.
    assert idle.call("GET", "/v1/me", key=idle.new_key("read-only")["key"]).status_code == 200


@pytest.mark.parametrize(
    ("settings", "complaint", "mode"),
    [
        ({"SIGNOFF_ALLOW_SCRIPTED_MODELS": "true"}, "SIGNOFF_ALLOW_SCRIPTED_MODELS", 0o600),
        ({"SIGNOFF_SECRET_KEY": ""}, "SIGNOFF_SECRET_KEY_FILE", 0o600),
        ({"SIGNOFF_SECRET_KEY": base64.b64encode(b"changemechangemechangemechangeme").decode()}, "guessed", 0o600),
        ({"SIGNOFF_PUBLIC_URL": "http://signoff.example.com"}, "not https", 0o600),
        ({"SIGNOFF_TRUSTED_HOSTS": '["*"]'}, "SIGNOFF_TRUSTED_HOSTS", 0o600),
        ({"SIGNOFF_TEST_BUILD": "1"}, "SIGNOFF_TEST_BUILD", 0o600),
        ({}, "chmod 600", 0o644),
        ({"SIGNOFF_ALLOW_LOOPBACK": "true"}, "SIGNOFF_ALLOW_LOOPBACK", 0o600),
    ],
)
def test_a37_production_does_not_start_with_a_back_door(
    prepared: Product, own_product: Make, settings: dict[str, str], complaint: str, mode: int
):
    product = own_product()
    sound = {
        "SIGNOFF_IS_PRODUCTION": "true",
        "SIGNOFF_ALLOW_LOOPBACK": "false",
        "SIGNOFF_PUBLIC_URL": f"http://127.0.0.1:{product.port}",
        "SIGNOFF_LOG_LEVEL": "info",
        "SIGNOFF_SECRET_KEY": base64.b64encode(os.urandom(32)).decode(),
    }
    given = {name: value for name, value in (sound | settings).items() if value}
    (product.folder / "signoff.toml").chmod(mode)
    refused = product.cli("serve", code=None, **given)
    assert refused.returncode != 0
    assert complaint in refused.stderr
    if complaint == "SIGNOFF_ALLOW_LOOPBACK":
        product.start(**sound)
        key = {"x-agent-api-key": "agento-dev-agent-key"}
        assert product.call("GET", "agents", key="", headers=key).status_code == 401
        assert product.call("GET", "agents", key="", headers={"x-user-role": "admin"}).status_code == 401


@pytest.mark.parametrize("point", ["llm-answered-not-journaled", "intent-journaled", "journaled"])
def test_a14_a_killed_process_goes_on_where_it_was(own_product: Make, provider: FakeProvider, point: str):
    product = own_product()
    product.start(SIGNOFF_TEST_BUILD="1", SIGNOFF_FAULT=f"{point}:1")
    product.connect()
    slug = product.agent("a14", tools=("post", "look"))
    n = f"a14-{point}"
    provider.will(slug, acts("post", "look"))
    run = product.execute(slug, n)["id"]
    assert product.processes[0].wait(timeout=60) == -signal.SIGKILL
    product.processes.clear()
    product.start()
    found = product.ended(run)
    if found["run"]["state"] == "waiting":
        # It was cut off between its intent and the act: nobody can know, so a person says what is true.
        assert point == "intent-journaled"
        outcome = "happened" if product.done("post", n) else "did_not_happen_retry"
        for effect in found["effects"]:
            product.post(f"effects/{effect['key']}:settle", {"outcome": outcome, "reason": "I looked."})
        found = product.ended(run, ("completed", "failed"))
    assert (found["run"]["state"], product.done("post", n)) == ("completed", 1)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_c23_a_crashed_server_comes_back_and_the_third_crash_is_told(own_product: Make, provider: FakeProvider):
    product = own_product(serve_words=("--supervise",))
    product.start()
    product.connect()
    slug = product.agent("c23", tools=("post",))
    provider.will(slug, acts("post"))
    (supervisor,) = product.processes

    def crashing() -> list[str]:
        alerts = product.get("alerts")["items"]
        return [one["text"] for one in alerts if one["kind"] == "process_crashing"]

    try:
        for crash in (1, 2, 3):
            assert crashing() == []
            (server,) = children(supervisor.pid)
            os.kill(server, signal.SIGKILL)
            until(lambda gone=server: children(supervisor.pid) not in ([], [gone]), "the server to be started again")
            product.wait_until_ready(path="/v1/health/ready")
            assert product.run(slug, f"c23-{crash}")["run"]["state"] == "completed"
            assert product.done("post", f"c23-{crash}") == 1
        assert len(crashing()) == 1
        assert re.search(r"\b3 times\b", crashing()[0])
    finally:
        product.stop()
