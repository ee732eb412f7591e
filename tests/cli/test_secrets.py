"""`signoff secrets`: a new value by standard input, an older one back, grants; values in no output."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Generator

import pytest

from signoff.cli.commands import app
from signoff.cli.exits import guarded
from signoff.settings import Settings
from tests.api.world import World, make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
Run = Callable[..., tuple[int, str, str]]
VALUE = "planted-by-cli-4711"


@pytest.fixture
def world(settings: Settings) -> Generator[World]:
    made = make_world(settings)
    yield made
    made.close()


@pytest.fixture
def secrets(
    settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command on the machine of the world."""
    assert settings.secret_key is not None
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", settings.store_url)
    monkeypatch.setenv("SIGNOFF_SECRET_KEY", settings.secret_key.get_secret_value())

    def run(*words: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", "secrets", *words, "--workspace", "acme"])
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        assert VALUE not in told.out + told.err
        return code, told.out, told.err

    return run


def test_a_value_is_replaced_and_the_older_one_comes_back(secrets: Run, world: World) -> None:
    code, _, err = secrets("rotate", "ERP_TOKEN", "--reason", "the quarter", given=VALUE + "\n")
    assert (code, err.strip()) == (0, "Version 2 is in use.")
    assert secrets("restore", "ERP_TOKEN", "1")[0] == 0
    code, out, _ = secrets("versions", "ERP_TOKEN", "--json")
    assert [(row["version"], row["state"], row["reason"]) for row in json.loads(out)] == [
        (3, "current", ""), (2, "superseded", "the quarter"), (1, "superseded", ""),
    ]  # fmt: skip
    assert json.loads(secrets("list", "--json")[1])[0]["version"] == 3
    assert secrets("rotate", "ERP_TOKEN")[0] == 2
    assert secrets("rotate", "NOBODYS", given=VALUE)[0] == 11
    assert secrets("rotate", "ERP_TOKEN", given="x")[0] == 12
    assert secrets("restore", "ERP_TOKEN", "9")[0] == 11
    assert secrets("rotate", "ERP_TOKEN", "--reference", "vault:kv/x#y")[0] == 10
    world.close()


def test_an_agent_is_granted_it_and_it_is_taken_back(secrets: Run, world: World) -> None:
    assert secrets("grant", "ERP_TOKEN", "helper")[0] == 0
    assert json.loads(secrets("list", "--json")[1])[0]["grants"] == 1
    assert secrets("withdraw", "ERP_TOKEN", "helper")[0] == 0
    assert secrets("withdraw", "ERP_TOKEN", "helper")[0] == 13
    assert secrets("grant", "ERP_TOKEN", "nobody")[0] == 11
    assert "(none)" in secrets("expiring")[1]
    world.close()
