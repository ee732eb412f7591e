"""`signoff evidence`, `signoff policy` and `signoff vouch` on the machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from signoff.cli.commands import app
from signoff.cli.exits import CONFLICT, NOT_FOUND, USAGE, VALIDATION, guarded
from signoff.settings import Settings
from signoff.watch.probes.policy import DEFAULT
from tests.api.world import World, make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
Run = Callable[..., tuple[int, str, str]]
STRICT = "version: 1\nprobes: {testing.end_to_end: {block_from: low}}\n"


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
        monkeypatch.setattr(sys, "argv", ["signoff", *words, "--workspace", "acme"])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_the_evidence_ends_with_12_once_something_keeps_the_revision_back(signoff: Run, tmp_path: Path) -> None:
    code, out, err = signoff("evidence", "helper")
    assert code == 0
    assert "testing.end_to_end" in out
    assert "Risk tier low" in err
    file = tmp_path / "policy.yaml"
    file.write_text(STRICT)
    code, out, err = signoff("policy", "set", str(file), "--reason", "stricter", "--dry-run")
    assert (code, "tightened" in out, "Nothing was written" in err) == (0, True, True)
    assert signoff("evidence", "helper")[0] == 0
    code, out, err = signoff("policy", "set", str(file), "--reason", "stricter")
    assert (code, "Version 1 holds" in err) == (0, True)
    assert signoff("policy", "show")[1] == STRICT
    code, _, err = signoff("evidence", "helper")
    assert (code, "testing.end_to_end" in err) == (VALIDATION, True)
    code, _, err = signoff("vouch", "helper", "testing.end_to_end", "--waive", "--reason", "Tried.", "--days", "5")
    assert code == 0
    code, out, _ = signoff("evidence", "helper", "--json")
    assert code == 0
    found = {one["probe"]: one["status"] for one in json.loads(out)["results"]}
    assert found["testing.end_to_end"] == "waived"


def test_what_cannot_be_is_told_with_its_exit_code(signoff: Run, tmp_path: Path) -> None:
    assert signoff("evidence", "no-such-agent")[0] == NOT_FOUND
    assert signoff("vouch", "helper", "product.revision_intact", "--waive", "--reason", "r")[0] == CONFLICT
    assert signoff("policy", "set", str(tmp_path / "none.yaml"), "--reason", "r")[0] == USAGE
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\nprobes: {product.revision_intact: {block_from: never, reason: r}}\n")
    code, _, err = signoff("policy", "set", str(file), "--reason", "r")
    assert (code, "safety" in err) == (VALIDATION, True)


def test_the_shipped_policy_is_shown_with_its_reasons(signoff: Run) -> None:
    assert signoff("policy", "show")[1] == DEFAULT.read_text()
    assert signoff("policy", "show", "--default")[1] == DEFAULT.read_text()
