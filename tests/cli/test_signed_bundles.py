"""`signoff bundle`: written, checked without a database, planned, brought in; and `signoff promote`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from signoff.cli.commands import app
from signoff.cli.exits import CONFLICT, FAILED, NOT_FOUND, OK, USAGE, VALIDATION, guarded
from signoff.settings import Settings
from tests.api.world import World, make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def world(settings: Settings) -> Generator[World]:
    made = make_world(settings)
    yield made
    made.close()


@pytest.fixture
def signoff(
    settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    assert settings.secret_key is not None
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", settings.store_url)
    monkeypatch.setenv("SIGNOFF_SECRET_KEY", settings.secret_key.get_secret_value())

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", *words])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def file(signoff: Run, tmp_path: Path) -> Path:
    to = tmp_path / "helper.bundle.json"
    code, _, err = signoff("bundle", "export", "helper@1", "-o", str(to), "-w", "acme")
    assert (code, "digest" in err) == (OK, True)
    return to


def test_a_file_is_checked_without_a_database(signoff: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = json.loads(signoff("bundle", "keys", "-w", "acme", "--json")[1])[0]["public_key"]
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", "sqlite:////nowhere/at/all.sqlite")
    code, out, _ = signoff("bundle", "verify", str(file), "--key", own, "--json")
    assert (code, json.loads(out)["is_good"]) == (OK, True)
    code, _, err = signoff("bundle", "verify", str(file), "--key", "A" * 43 + "=")
    assert code == FAILED
    assert "signer: Nobody here trusts the key" in err
    file.write_bytes(file.read_bytes().replace(b"politely", b"rudely.."))
    code, _, err = signoff("bundle", "verify", str(file), "--key", own)
    assert code == FAILED
    assert "digest:" in err
    assert "revision:" in err


def test_a_file_is_planned_and_brought_in(signoff: Run, file: Path) -> None:
    code, out, _ = signoff("bundle", "import", str(file), "-w", "other", "--dry-run")
    assert code == OK
    assert "helper: would be made, with revision 1" in out
    code, _, err = signoff("bundle", "import", str(file), "-w", "other")
    assert code == OK
    assert "helper@1 is frozen. It serves nowhere yet." in err
    code, out, _ = signoff("bundle", "import", str(file), "-w", "other")
    assert code == OK
    assert "has this as revision 1" in out
    code, out, _ = signoff("bundle", "provenance", "helper@1", "-w", "other")
    assert code == OK
    assert "imported" in out
    file.write_bytes(file.read_bytes() + b" ")
    assert signoff("bundle", "import", str(file), "-w", "other")[0] == VALIDATION


def test_words_that_name_nothing_are_told(signoff: Run, tmp_path: Path) -> None:
    to = str(tmp_path / "x")
    assert signoff("bundle", "export", "helper", "-o", to, "-w", "acme")[0] == USAGE
    assert signoff("bundle", "export", "../helper@1", "-o", to, "-w", "acme")[0] == USAGE
    assert signoff("bundle", "export", "helper@9", "-o", to, "-w", "acme")[0] == NOT_FOUND
    assert not (tmp_path / "x").exists()
    assert signoff("bundle", "verify", to)[0] == NOT_FOUND


def test_keys_are_trusted_and_taken_away(signoff: Run) -> None:
    key = "C" * 42 + "A="
    assert signoff("bundle", "trust", key, "--name", "The other house", "-w", "acme")[0] == OK
    found = {one["name"]: one for one in json.loads(signoff("bundle", "keys", "-w", "acme", "--json")[1])}
    assert found["The other house"]["public_key"] == key
    assert signoff("bundle", "distrust", found["The other house"]["key_id"], "-w", "acme")[0] == OK
    assert signoff("bundle", "distrust", found["The other house"]["key_id"], "-w", "acme")[0] == NOT_FOUND


def test_promoting_tells_what_is_missing(signoff: Run) -> None:
    code, _, err = signoff("promote", "helper@1", "--to", "production", "-w", "acme")
    assert code == CONFLICT
    assert "No run of revision 1 of helper in staging has ended" in err
