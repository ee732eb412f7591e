"""`signoff smoke` against a served product: all as expected, and each thing that is broken is a row that failed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import func, select

from signoff.freezes.maintenance import begin
from signoff.gateways.model.providers import forget_script, register_script
from signoff.people.actions import create_key
from signoff.record.actor import SYSTEM
from signoff.settings import Settings
from signoff.tables.record import AuditRow
from signoff.tables.runs import Run
from tests.api.world import World, make_world
from tests.cli.test_commands import signoff
from tests.engine.kit_engine import turns

__all__ = ["signoff"]
Command = Callable[..., tuple[int, str, str]]
Serving = Callable[[Any], AbstractContextManager[str]]
BODY = {"sop": "Answer politely.", "model": {"name": "scripted:smoke"}}


@pytest.fixture
def working(settings: Settings) -> Generator[World]:
    """A world whose process also carries runs out; it closes itself when its server ends."""
    register_script("smoke", turns("With pleasure."))
    yield make_world(settings.model_copy(update={"rate_per_minute": 100_000}), with_worker=True, body=BODY)
    forget_script("smoke")


def rows(out: str) -> dict[str, dict[str, Any]]:
    return {row["check"]: row for row in json.loads(out)["checks"]}


def test_a_product_at_work_is_as_expected_and_one_run_is_followed_to_its_end(working: World, serving: Serving) -> None:
    with serving(working.app) as address:
        words = ("smoke", "--url", address, "--key", working.keys["admin"], "--json", "--agent", "helper")
        # A process of its own, as on the machine of whoever deploys.
        done = subprocess.run(
            [sys.executable, "-m", "signoff.cli", *words, "--input", '{"text": "hello"}'],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    code, out = done.returncode, done.stdout
    found = rows(out)
    assert [row for row in found.values() if not row["ok"]] == []
    assert code == 0
    assert found["movement"]["seen"].startswith("queued")
    assert "completed, an output" in found["movement"]["seen"]
    assert {"database", "migrations", "worker", "queue", "ready", "OpenAPI", "sign-in page", "app.css"} <= set(found)
    assert found["beyond the key"]["seen"].startswith("403 not_allowed")
    assert found["another workspace"]["seen"].startswith("404 not_found")


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_without_an_agent_nothing_is_changed(signoff: Command, settings: Settings, serving: Serving) -> None:
    world = make_world(settings)

    def count() -> list[int]:
        with world.store.read() as session:
            return [session.scalar(select(func.count()).select_from(table)) or 0 for table in (Run, AuditRow)]

    before = count()
    with serving(world.app) as address:
        code, out, _ = signoff("smoke", "--url", address, "--key", world.keys["runner"])
        assert count() == before
        assert code == 1  # No worker is alive.
        assert "FAILED  worker" in out
        assert "expected ok" in out
        assert out.count("FAILED") == 2
        assert signoff("smoke", "--url", address, "--agent", "helper")[0] == 2
    world.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_what_is_broken_is_named(signoff: Command, settings: Settings, serving: Serving) -> None:
    world = make_world(settings)
    with world.store.write() as session:
        begin(session, SYSTEM, reason="A new disk.")
        narrow = create_key(session, world.alice, name="Narrow", preset="runner", scopes=["run.start"]).key
    with serving(world.app) as address:
        there = ("smoke", "--url", address, "--json")
        found = rows(signoff(*there, "--key", narrow, "--agent", "helper", "--expect-version", "9.9.9")[1])
        wrong = rows(signoff(*there, "--key", "so_aaaaaaaaaa_x")[1])
    failed = {name: row["seen"] for name, row in found.items() if not row["ok"]}
    assert "A new disk." in failed["maintenance"]
    assert failed["live"].startswith("200, ")
    assert failed["agents"].startswith("403")
    assert failed["movement"].startswith("503")
    assert failed["run without a key"].startswith("503 maintenance")
    assert wrong["the key"]["seen"].startswith("401")
    assert found["sign-in page"]["ok"]
    world.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_something_that_merely_answers_is_not_taken_for_signoff(signoff: Command, serving: Serving) -> None:
    async def well(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"<h1>It works</h1>"})

    with serving(well) as address:
        code, out, _ = signoff("smoke", "--url", address, "--key", "so_x", "--json")
    assert code == 1
    assert [name for name, row in rows(out).items() if row["ok"]] == []
    code, out, _ = signoff("smoke", "--url", "http://127.0.0.1:9", "--json")
    assert code == 1
    assert all("none (ConnectError)" in row["seen"] for row in rows(out).values())
