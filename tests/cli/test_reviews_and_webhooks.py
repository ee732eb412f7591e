"""`signoff reviews` and `signoff webhooks`, on the machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from signoff.cli.commands import app
from signoff.cli.exits import guarded
from signoff.settings import Settings
from tests.api.world import make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def world(settings: Settings) -> Any:
    made = make_world(settings)
    yield made
    made.close()


@pytest.fixture
def run(
    world: Any, database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:  # fmt: skip
    assert world
    assert settings.secret_key is not None
    monkeypatch.setenv("SIGNOFF_SECRET_KEY", settings.secret_key.get_secret_value())
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", database_url)
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(settings.data_dir))

    def words(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", *words, "--workspace", "acme"])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out + told.err

    return words


def test_a_review_is_found_read_and_done_once(world: Any, run: Run):
    review = world.ids["review"]
    assert "good days in a row" in run("reviews", "week", "helper")[1]
    (row,) = json.loads(run("reviews", "list", "--open", "--json")[1])
    assert row["id"] == review
    assert review in run("reviews", "list")[1]
    assert run("reviews", "show", review)[0] == 0
    assert run("reviews", "done", review, "--note", "It costs what it should.") == (0, "The review is done.\n")
    assert run("reviews", "done", review, "--note", "Again.")[0] == 13
    assert json.loads(run("reviews", "show", review, "--json")[1])["note"] == "It costs what it should."
    assert run("reviews", "show", "rvw_none")[0] == 11


def test_a_webhook_is_made_tried_switched_off_and_ended(run: Run):
    made = run("webhooks", "create", "Desk", "https://ops.example.com/x", "--event", "run.completed", "--json")
    webhook = json.loads(made[1])
    assert webhook["secret"].startswith("whsec_")
    assert webhook["secret"] not in run("webhooks", "list")[1]
    assert run("webhooks", "test", webhook["id"])[1].startswith("On its way: ")
    (message,) = json.loads(run("webhooks", "messages", webhook["id"], "--json")[1])
    assert message["state"] == "pending"
    assert run("webhooks", "again", webhook["id"], message["id"])[0] == 13  # It is still on its way.
    assert run("webhooks", "off", webhook["id"]) == (0, "It is off.\n")
    assert "off" in run("webhooks", "list")[1]
    assert run("webhooks", "on", webhook["id"]) == (0, "It is on.\n")
    assert run("webhooks", "delete", webhook["id"]) == (0, "It is gone.\n")
    assert webhook["id"] not in run("webhooks", "list")[1]
    assert run("webhooks", "create", "x", "https://ops.example.com/x", "--event", "nothing.like")[0] == 12
