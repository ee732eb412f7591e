"""`signoff incidents`: on this machine, and over the API of a running server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from typing import Any

import pytest

from signoff.cli.commands import app
from signoff.cli.exits import AUTH, CONFLICT, NOT_FOUND, OK, USAGE, VALIDATION, guarded
from signoff.people.actions import create_key
from signoff.settings import Settings
from tests.api.world import make_world
from tests.kit_server import serving

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def world(settings: Settings) -> Generator[Any]:
    made = make_world(settings)
    yield made
    made.close()


def looking_key(world: Any) -> str:
    with world.store.write() as session:
        return create_key(session, world.alice, name="Looks", preset="read-only").key


@pytest.fixture(params=["here", "there"])
def where(request: pytest.FixtureRequest, world: Any) -> Generator[tuple[str, ...]]:
    """The words that say where a command works: on the database, or on a server."""
    if request.param == "here":
        yield ("--workspace", "acme")
    else:
        with serving(world.app) as address:
            yield ("--url", address, "--key", looking_key(world) if request.param == "looking" else world.keys["admin"])


@pytest.fixture
def incidents(
    database_url: str, settings: Settings, where: tuple[str, ...], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:  # fmt: skip
    """Run `signoff incidents …` there; return exit code, output, messages."""
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", database_url)
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(settings.data_dir))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", "incidents", *words, *where])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def ids_of(incidents: Command, *filters: str) -> list[str]:
    return [one["id"] for one in json.loads(incidents("list", "--json", *filters)[1])]


def test_one_is_declared_with_its_runs_and_found_by_what_it_is(world: Any, incidents: Command):
    words = ("--agent", "helper", "--severity", "sev2", "--run", world.ids["run"], "--note", "Two suppliers called.")
    code, out, said = incidents("declare", "Bills are posted twice", *words)
    made = out.strip()
    assert (code, said) == (OK, f"Declared. How it stands: signoff incidents show {made}\n")
    whole = json.loads(incidents("show", made, "--json")[1])
    assert (whole["facts"]["severity"], whole["facts"]["agent"], whole["runs"]) == ("sev2", "helper", 1)
    assert whole["timeline"][0]["text"] == "Two suppliers called."
    assert ids_of(incidents, "--severity", "sev2") == [made]
    assert ids_of(incidents, "--severity", "sev1") == []
    assert made in ids_of(incidents, "--agent", "helper", "--open", "--state", "open")
    assert ids_of(incidents, "--over") == []
    assert "Bills are posted twice" in incidents("list")[1]
    code, out, _ = incidents("show", made)
    assert code == OK
    assert "Mitigate before you debug" in out
    assert "Two suppliers called." in out.partition("Timeline\n")[2]


def test_one_is_moved_from_state_to_state_and_of_two_the_second_is_told(world: Any, incidents: Command):
    made = world.ids["incident"]
    assert incidents("acknowledge", made, "--note", "I look at it.") == (OK, "", "Acknowledged.\n")
    code, _, said = incidents("acknowledge", made)
    assert code == CONFLICT
    assert "was acknowledged already, by " in said
    assert json.loads(incidents("mitigate", made, "--json")[1]) == {"ok": True}
    assert incidents("note", made, "Over by noon.")[0] == OK
    assert incidents("resolve", made)[0] == OK
    assert ids_of(incidents, "--state", "resolved") == ids_of(incidents, "--over") == [made]
    found = json.loads(incidents("show", made, "--json")[1])
    said_then = [one["text"] for one in found["timeline"]]
    assert [one for one in ("I look at it.", "Over by noon.") if one not in said_then] == []


def test_a_review_waits_for_what_the_postmortem_lacks(world: Any, incidents: Command):
    made = world.ids["incident"]
    assert incidents("resolve", made)[0] == OK
    code, _, said = incidents("review", made)
    assert (code, "Write down its cause." in said) == (CONFLICT, True)


def test_the_postmortem_is_markdown_on_standard_output(world: Any, incidents: Command):
    made = world.ids["incident"]
    code, out, said = incidents("postmortem", made)
    assert (code, said) == (OK, "")
    assert out.startswith("# SEV-3: It posts twice\n")
    assert "\n## What was learnt\n" in out
    assert json.loads(incidents("postmortem", made, "--json")[1])["text"] == out.removesuffix("\n")


def test_a_sign_that_a_terminal_would_obey_is_not_printed(world: Any, incidents: Command):
    made = incidents("declare", "It \x1b[31mburns", "--note", "\x1b]0;owned\x07 Look.")[1].strip()
    for command in (("show", made), ("postmortem", made), ("list",)):
        assert "\x1b" not in "".join(incidents(*command)[1:])


def test_what_does_not_fit_ends_with_the_code_for_it(world: Any, incidents: Command):
    made = world.ids["incident"]
    assert incidents("show", "inc_none")[0] == NOT_FOUND
    assert incidents("acknowledge", "inc_none")[0] == NOT_FOUND
    assert incidents("postmortem", "inc_none")[0] == NOT_FOUND
    assert incidents("declare", "x", "--agent", "nobody")[0] == NOT_FOUND
    assert incidents("declare", " ")[0] == VALIDATION
    assert incidents("note", made, "x" * 2_001)[0] == VALIDATION
    assert incidents("list", "--state", "burning")[0] == USAGE
    assert incidents("declare", "x", "--severity", "sev9")[0] == USAGE


def test_a_sev1_pauses_its_agent(world: Any, incidents: Command):
    made = incidents("declare", "It pays twice", "--agent", "helper", "--severity", "sev1")[1].strip()
    timeline = json.loads(incidents("show", made, "--json")[1])["timeline"]
    assert [one["kind"] for one in timeline] == ["opened", "paused"]


@pytest.mark.parametrize("where", ["looking"], indirect=True)
def test_a_key_that_may_only_look_changes_nothing(world: Any, incidents: Command):
    made = world.ids["incident"]
    assert incidents("show", made)[0] == OK
    for command in (("acknowledge", made), ("note", made, "x"), ("declare", "x", "--agent", "helper")):
        assert incidents(*command)[0] == AUTH
    assert json.loads(incidents("show", made, "--json")[1])["facts"]["state"] == "open"
