"""`signoff agents`: who answers for an agent, asking somebody, handing over."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import select

from signoff.agents.actions import freeze_revision, save_draft
from signoff.agents.handovers import open_handover
from signoff.cli.commands import app
from signoff.cli.exits import AUTH, NOT_FOUND, guarded
from signoff.settings import Settings
from signoff.tables.agents import Agent, Draft, RetiredRevision, Revision
from tests.api.world import World, make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
Run = Callable[..., tuple[int, str, str]]
Serving = Callable[[Any], AbstractContextManager[str]]


@pytest.fixture
def world(settings: Settings) -> Generator[World]:
    made = make_world(settings)
    yield made
    made.close()


@pytest.fixture
def agents(
    settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    assert settings.secret_key is not None
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", settings.store_url)
    monkeypatch.setenv("SIGNOFF_SECRET_KEY", settings.secret_key.get_secret_value())

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", "agents", *words, "--workspace", "acme"])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_owners_are_shown_asked_and_handed_over(agents: Run, world: World) -> None:
    code, out, err = agents("owners", "helper")
    assert code == 0
    assert "alice@acme.example" in out
    assert "It has no backup." in err
    assert agents("ask-owner", "helper", "backup", "manager@acme.example")[0] == 0
    found = json.loads(agents("owners", "helper", "--json")[1])
    assert [(one["kind"], one["state"]) for one in found["owners"]] == [("build", "accepted"), ("backup", "asked")]
    code, out, _ = agents("hand-over", "helper", "--to", "builder@acme.example", "--reason", "Alice leaves", "--json")
    assert code == 0
    with world.store.read() as session:
        moving = open_handover(session, world.alice, "helper")
        assert moving is not None
        assert (moving.id, moving.from_name, moving.to_name) == (json.loads(out)["id"], "Alice", "Bob the builder")


def test_who_is_no_member_and_who_may_not_is_told(agents: Run) -> None:
    code, _, err = agents("ask-owner", "helper", "backup", "nobody@acme.example")
    assert code == NOT_FOUND
    assert "nobody@acme.example" in err
    code, _, err = agents("ask-owner", "helper", "backup", "viewer@acme.example")
    assert code != 0
    assert "rights of a manager" in err
    assert agents("owners", "no-such-agent")[0] == NOT_FOUND
    assert agents("hand-over", "helper", "--to", "alice@acme.example", "--reason", "x")[0] != 0
    world_unchanged = json.loads(agents("owners", "helper", "--json")[1])["owners"]
    assert [one["name"] for one in world_unchanged] == ["Alice"]


def test_a_revision_retires_here_and_on_a_running_server(agents: Run, world: World, serving: Serving) -> None:
    with world.store.write() as session:
        agent = session.scalars(select(Agent).where(Agent.slug == "helper")).one()
        for number in (2, 3):
            draft = session.get_one(Draft, agent.id)
            save_draft(session, world.alice, agent.id, body={**draft.body, "sop": f"{number}."}, version=draft.version)
            assert freeze_revision(session, world.alice, agent.id, reason="next").number == number

    def retired() -> list[int]:
        with world.store.read() as session:
            wanted = select(Revision.number).join(RetiredRevision, RetiredRevision.revision_id == Revision.id)
            return sorted(session.scalars(wanted))

    assert agents("retire", "helper", "2", "--reason", "rounds wrongly")[0] == 0
    with serving(world.app) as address:
        there = ("--url", address, "--key", world.keys["admin"])
        code, _, said = agents("retire", "helper", "3", "--reason", "rounds wrongly", *there)
        assert (code, "Revision 3 of helper has retired." in said, retired()) == (0, True, [2, 3])
        assert agents("retire", "helper", "2", "--reason", "it does not", "--undo", *there)[0] == 0
        assert retired() == [3]
        assert agents("retire", "helper", "9", "--reason", "x", *there)[0] == NOT_FOUND
        runner = ("--url", address, "--key", world.keys["runner"])
        assert agents("retire", "helper", "2", "--reason", "x", *runner)[0] == AUTH
    assert retired() == [3]
