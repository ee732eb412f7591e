"""Where the master key comes from."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from signoff.connections.keys import load_keys, new_key_text
from signoff.kit.errors import Fault
from signoff.settings import Settings


def test_a_trial_makes_its_key_once_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    first = load_keys(settings)
    assert load_keys(settings).current.id == first.current.id
    path = tmp_path / "data" / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["secret.key"]


def test_production_does_not_guess(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="SIGNOFF_SECRET_KEY") as caught:
        load_keys(Settings(data_dir=tmp_path / "data", is_production=True))
    assert caught.value.code == "no_secret_key"
    assert not (tmp_path / "data").exists()


def test_the_key_comes_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, old = new_key_text(), new_key_text()
    path = tmp_path / "key"
    path.write_text(text + "\n")
    from_file = load_keys(Settings(is_production=True, secret_key_file=path, old_secret_keys=[SecretStr(old)]))
    monkeypatch.setenv("SIGNOFF_SECRET_KEY", text)
    from_environment = load_keys(Settings(is_production=True))
    assert from_file.current.id == from_environment.current.id
    assert from_file.by_id(from_file.old[0].id) == from_file.old[0]
    assert from_file.by_id("another") is None
    assert text not in repr(from_file)


@pytest.mark.parametrize(
    "text", ["", "short", base64.b64encode(b"x" * 31).decode(), base64.b64encode(b"\0" * 32).decode(), "é" * 44]
)
def test_what_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(Fault, match="SIGNOFF_SECRET_KEY"):
        load_keys(Settings(secret_key=SecretStr(text)))


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b""])
def test_a_key_file_that_holds_none_is_refused(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Fault):
        load_keys(Settings(secret_key_file=path))
