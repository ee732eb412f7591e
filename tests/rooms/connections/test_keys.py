"""Where the master key comes from."""

from __future__ import annotations

import base64
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from signoff.connections.keys import load_keys, new_key_text, wrapped_new_key
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


SERVICE = """
import base64, sys
text = sys.stdin.read().strip()
if sys.argv[1] == "wrap":
    print(base64.b64encode(("wrapped " + text).encode()).decode())
elif sys.argv[1] == "unwrap":
    print(base64.b64decode(text).decode().removeprefix("wrapped "))
elif sys.argv[1] == "slow":
    import time; time.sleep(30)
elif sys.argv[1] == "refuse":
    print("half a key"); sys.exit("access denied for this key")
elif sys.argv[1] == "flood":
    print("A" * 100_000)
"""


def service(tmp_path: Path, verb: str) -> list[str]:
    path = tmp_path / "service.py"
    path.write_text(SERVICE)
    return [sys.executable, str(path), verb]


def test_a_key_service_wraps_a_new_key_and_unwraps_it_at_the_start(tmp_path: Path) -> None:
    commands: dict[str, Any] = {
        "secret_key_wrap_command": service(tmp_path, "wrap"),
        "secret_key_unwrap_command": service(tmp_path, "unwrap"),
    }
    first, second = (wrapped_new_key(Settings(**commands)) for _ in range(2))
    assert first != second
    keys = load_keys(
        Settings(is_production=True, secret_key_wrapped=second, old_secret_keys_wrapped=[first], **commands)
    )
    assert [key.id for key in keys.old] == [load_keys(Settings(secret_key_wrapped=first, **commands)).current.id]
    assert keys.current.id != keys.old[0].id


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["slow"], "did not end within"),
        (["refuse"], "access denied"),
        (["flood"], "a key in base64 was expected"),
        (["nothing"], "wrote 0 bytes"),
        (["/does/not/exist"], "could not be started"),
        ([], "secret_key_unwrap_command is not set"),
    ],
)
def test_a_key_service_that_fails_is_told_without_what_it_wrote(tmp_path: Path, command: list[str], words: str) -> None:
    if command and not command[0].startswith("/"):
        command = service(tmp_path, command[0])
    settings = Settings(secret_key_wrapped="eA==", secret_key_unwrap_command=command, secret_key_command_seconds=1.0)
    with pytest.raises(Fault, match=words) as error:
        load_keys(settings)
    assert "half a key" not in error.value.detail


def test_sources_of_secrets_come_from_the_operators_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the guide writes them."""
    path = tmp_path / "signoff.toml"
    path.write_text(
        '[hashicorp_vault]\nurl = "https://vault.example.com"\nrole_id = "r"\nrole_secret_id = "s"\n'
        '[[secret_sources]]\nkind = "vault"\nworkspace = "acme"\nprefix = "kv/acme/"\n'
    )
    monkeypatch.setenv("SIGNOFF_CONFIG", str(path))
    settings = Settings()
    assert [(one.kind, one.workspace, one.environment, one.prefix) for one in settings.secret_sources] == [
        ("vault", "acme", None, "kv/acme/")
    ]
    assert settings.hashicorp_vault is not None
    assert settings.hashicorp_vault.role_id == "r"
    assert "role_secret_id=SecretStr('**********')" in repr(settings.hashicorp_vault)
