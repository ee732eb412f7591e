"""`signoff approvals`: the operator sees what waits; a member who is asked answers with a key of their own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from signoff.cli.commands import app
from signoff.cli.exits import guarded
from signoff.settings import Settings
from signoff.tables.approvals import Approval
from tests.api.world import World, make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def world(settings: Settings) -> Any:
    """A workspace in which Alice is asked."""
    made = make_world(settings)
    yield made
    made.close()


@pytest.fixture
def approvals(
    database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run a command of the group; return exit code, output, messages."""
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", database_url)
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(settings.data_dir))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", "approvals", *words])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def state(world: World) -> str:
    with world.store.read() as session:
        return session.get_one(Approval, world.ids["approval"]).state


def test_the_operator_reads_what_waits_and_is_nobody_who_could_answer(world: World, approvals: Command):
    here, request = ("--workspace", "acme"), world.ids["approval"]
    (row,) = json.loads(approvals("list", "--json", *here)[1])
    assert (row["id"], row["title"], row["state"]) == (request, "Send it", "pending")
    assert approvals("list", "--state", "denied", *here)[1] == "(none)\n"
    assert approvals("list", "--state", "nonsense", *here)[0] == 2
    code, out, _ = approvals("show", request, *here)
    assert (code, "Send it" in out, "Alice" in out) == (0, True, True)
    assert approvals("show", "apr_none", *here)[0] == 11
    for verb in (("approve", request), ("deny", request, "--reason", "no"), ("answer", request)):
        code, _, told = approvals(*verb)
        assert (code, "--key" in told) == (2, True)
    assert state(world) == "pending"


def test_a_member_answers_with_their_own_key(
    world: World, approvals: Command, serving: Callable[[Any], AbstractContextManager[str]]
):
    request = world.ids["approval"]
    with serving(world.app) as address:
        there = ("--url", address, "--key", world.keys["admin"])
        assert [row["id"] for row in json.loads(approvals("list", "--mine", "--json", *there)[1])] == [request]
        assert "Alice" in approvals("show", request, *there)[1]
        assert approvals("deny", request, *there)[0] == 12
        assert approvals("approve", request, "--args", "[1]", *there)[0] == 2
        assert approvals("answer", request, "--text", "yes", *there)[0] == 12
        assert state(world) == "pending"
        code, _, told = approvals("deny", request, "--reason", "Not now.", *there)
        assert (code, "denied" in told) == (0, True)
        late = approvals("approve", request, *there)
        assert (late[0], "denied it at" in late[2]) == (13, True)
    assert state(world) == "denied"
