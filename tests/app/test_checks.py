"""What production does not start with: everything that is only right on a developer's machine."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from signoff.app.checks import NotReadyToStart, check_settings
from signoff.app.objections import objections
from signoff.cli.doctor import doctor
from signoff.settings import HashicorpVault, Settings


def key(value: bytes) -> SecretStr:
    return SecretStr(base64.b64encode(value).decode())


GOOD: dict[str, Any] = {
    "is_production": True,
    "secret_key": key(os.urandom(32)),
    "public_url": "https://signoff.example.com",
    "is_https": True,
}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"allow_scripted_models": True}, "SIGNOFF_ALLOW_SCRIPTED_MODELS"),
    ({"default_model": "scripted:supplier-mail"}, "SIGNOFF_DEFAULT_MODEL"),
    ({"secret_key": None}, "SIGNOFF_SECRET_KEY_FILE"),
    ({"secret_key": key(b"\0" * 32)}, "can be guessed"),
    ({"secret_key": key(bytes(range(32)))}, "can be guessed"),
    ({"secret_key": key(b"0123456789abcdef0123456789abcdef")}, "can be guessed"),
    ({"secret_key": SecretStr("changeme")}, "can be guessed"),
    ({"allow_loopback": True}, "SIGNOFF_ALLOW_LOOPBACK"),
    ({"public_url": None}, "SIGNOFF_PUBLIC_URL"),
    ({"is_https": False}, "SIGNOFF_IS_HTTPS"),
    ({"hashicorp_vault": HashicorpVault(url="http://vault.example.com", token=SecretStr("t"))}, "unencrypted"),
    ({"public_url": None, "trusted_hosts": ["signoff.example.com"], "is_https": False}, "SIGNOFF_IS_HTTPS"),
    ({"public_url": "http://signoff.example.com"}, "not https"),
    ({"trusted_hosts": ["signoff.example.com", "*"]}, "SIGNOFF_TRUSTED_HOSTS"),
    ({"trusted_proxies": ["*"]}, "SIGNOFF_TRUSTED_PROXIES"),
    ({"trusted_proxies": ["10.0.0.1", "0.0.0.0/0"]}, "SIGNOFF_TRUSTED_PROXIES"),
    ({"allow_private_networks": ["0.0.0.0/0"]}, "SIGNOFF_ALLOW_PRIVATE_NETWORKS"),
    ({"allow_private_networks": ["10.0.0.0/8", "::/0"]}, "most of the world"),
    ({"old_secret_keys": [key(b"a" * 32)]}, "An older key"),
    ({"log_level": "debug"}, "SIGNOFF_LOG_LEVEL"),
    ({"database_url": "postgresql+psycopg://signoff:postgres@db.internal/signoff"}, "SIGNOFF_DATABASE_URL"),
    ({"engine_database_url": "postgresql+psycopg://signoff:Signoff@db/x"}, "SIGNOFF_ENGINE_DATABASE_URL"),
]
FINE: list[dict[str, Any]] = [
    {},
    {"trusted_hosts": ["signoff.example.com"]},
    {"public_url": None, "trusted_hosts": ["*.example.com"]},
    {"public_url": "http://127.0.0.1:8321", "is_https": False},
    {"trusted_proxies": ["10.0.0.1", "10.1.0.0/16"]},
    {"allow_private_networks": ["10.0.0.0/8", "fd00:1234::/32", "192.168.7.0/24"]},
    {"old_secret_keys": [key(os.urandom(32))]},
    {"database_url": "postgresql+psycopg://signoff:a-long-one-of-its-own@db.internal/signoff"},
    {"database_url": "postgresql+psycopg://signoff@db.internal/signoff"},
    {"database_url": "postgresql+psycopg://signoff:postgres@127.0.0.1/signoff"},
    {"database_url": "sqlite:////srv/signoff/data.sqlite", "log_level": "warning", "log_format": "json"},
]


@pytest.mark.parametrize("change", FINE)
def test_what_is_right_starts(change: dict[str, Any]) -> None:
    check_settings(Settings(**{**GOOD, **change}))


@pytest.mark.parametrize(("change", "told"), WRONG)
def test_production_refuses_and_says_what_to_do(change: dict[str, Any], told: str) -> None:
    with pytest.raises(NotReadyToStart, match=told):
        check_settings(Settings(**{**GOOD, **change}))


@pytest.mark.parametrize(("change", "told"), WRONG)
def test_a_trial_starts_with_all_of_it(change: dict[str, Any], told: str) -> None:
    check_settings(Settings(**{**GOOD, **change, "is_production": False}))


def test_a_key_that_a_service_unwraps_is_a_key() -> None:
    check_settings(Settings(**{**GOOD, "secret_key": None}, secret_key_wrapped="eA=="))


@pytest.mark.parametrize("more", [{}, {"token": "t", "role_id": "r"}, {"token": "t", "url": "vault.example.com"}])
def test_a_vault_without_one_way_in_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HashicorpVault.model_validate({"url": "https://vault.example.com", **more})


def test_a_key_in_a_file_is_looked_at_as_well(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text(base64.b64encode(b"a" * 32).decode() + "\n")
    place.chmod(0o600)
    with pytest.raises(NotReadyToStart, match="can be guessed"):
        check_settings(Settings(**{**GOOD, "secret_key": None, "secret_key_file": place}))
    place.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
    check_settings(Settings(**{**GOOD, "secret_key": None, "secret_key_file": place}))


def test_every_objection_is_told_at_once() -> None:
    with pytest.raises(NotReadyToStart) as refused:
        check_settings(Settings(is_production=True, allow_scripted_models=True, allow_loopback=True))
    assert refused.value.detail.count("\n- ") == 5


@pytest.mark.parametrize(("mode", "is_refused"), [(0o600, False), (0o640, False), (0o644, True), (0o606, True)])
def test_a_key_everybody_can_read_is_no_secret(tmp_path: Path, mode: int, is_refused: bool) -> None:
    place = tmp_path / "key"
    place.write_text(base64.b64encode(os.urandom(32)).decode())
    place.chmod(mode)
    found = objections(Settings(**{**GOOD, "secret_key": None, "secret_key_file": place}), {})
    told = [f"Everybody on the machine can read the key for secrets: chmod 600 {place}."]
    assert found == (told if is_refused else [])


def test_a_settings_file_everybody_can_read_holds_no_secret(tmp_path: Path) -> None:
    place = tmp_path / "signoff.toml"
    place.write_text("")
    place.chmod(0o644)
    (told,) = objections(Settings(**GOOD), {"SIGNOFF_CONFIG": str(place)})
    assert f"chmod 600 {place}" in told
    key_file = tmp_path / "key"
    key_file.write_text(base64.b64encode(os.urandom(32)).decode())
    key_file.chmod(0o600)
    without = Settings(**{**GOOD, "secret_key": None, "secret_key_file": key_file})
    assert objections(without, {"SIGNOFF_CONFIG": str(place)}) == []


@pytest.mark.parametrize(
    "name", ["SIGNOFF_TEST_BUILD", "SIGNOFF_FAULT", "SIGNOFF_WEB_RELOAD", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE"]
)
def test_what_is_for_development_is_unset_first(name: str) -> None:
    (told,) = objections(Settings(**GOOD), {name: "1"})
    assert name in told
    assert "unset" in told


@pytest.mark.parametrize("is_production", [True, False])
def test_the_doctor_tells_the_same_list(
    is_production: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("SIGNOFF_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SIGNOFF_IS_PRODUCTION", str(is_production))
    monkeypatch.setenv("SIGNOFF_ALLOW_LOOPBACK", "true")
    monkeypatch.setenv("SIGNOFF_TRUSTED_HOSTS", '["*"]')
    doctor(as_json=True)
    found = json.loads(capsys.readouterr().out)
    place = ("settings", "error") if is_production else ("production", "note")
    told = [one["detail"] for one in found if (one["check"], one["state"]) == place]
    settings = Settings(data_dir=tmp_path, is_production=is_production, allow_loopback=True, trusted_hosts=["*"])
    assert told == objections(settings)
    assert len(told) == 4


@pytest.mark.parametrize("is_production", [False, True])
@pytest.mark.parametrize(
    ("url", "sender", "told"),
    [
        ("https://mail.example.com", "s@example.com", "begins with smtps://"),
        ("smtps://user:hunter2@mail.example.com", None, "SIGNOFF_MAIL_FROM"),
        ("smtp://user:hunter2@mail.example.com", "s@example.com", "without encryption"),
    ],
)
def test_a_mail_server_that_cannot_be_is_said_at_the_start(
    is_production: bool, url: str, sender: str | None, told: str
) -> None:
    values = {**GOOD, "is_production": is_production, "smtp_url": SecretStr(url), "mail_from": sender}
    with pytest.raises(NotReadyToStart, match=told) as refused:
        check_settings(Settings(**values))
    assert "hunter2" not in refused.value.detail


def test_a_mail_server_that_can_be_starts() -> None:
    url = SecretStr("smtp+starttls://user:p%40ss@mail.example.com:587")
    check_settings(Settings(**GOOD, smtp_url=url, mail_from="Signoff <s@example.com>"))
