"""What production does not start with: everything that is only right on a developer's machine."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from signoff.app.checks import NotReadyToStart, check_settings
from signoff.settings import Settings


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
    ({"smtp_url": SecretStr("smtp://mail.example.com"), "mail_from": "s@example.com"}, "without encryption"),
]


def test_what_is_right_starts() -> None:
    check_settings(Settings(**GOOD))
    check_settings(Settings(**GOOD, trusted_hosts=["signoff.example.com"]))


@pytest.mark.parametrize(("change", "told"), WRONG)
def test_production_refuses_and_says_what_to_do(change: dict[str, Any], told: str) -> None:
    with pytest.raises(NotReadyToStart, match=told):
        check_settings(Settings(**{**GOOD, **change}))


@pytest.mark.parametrize(("change", "told"), WRONG)
def test_a_trial_starts_with_all_of_it(change: dict[str, Any], told: str) -> None:
    check_settings(Settings(**{**GOOD, **change, "is_production": False}))


def test_a_key_in_a_file_is_looked_at_as_well(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text(base64.b64encode(b"a" * 32).decode() + "\n")
    with pytest.raises(NotReadyToStart, match="can be guessed"):
        check_settings(Settings(**{**GOOD, "secret_key": None, "secret_key_file": place}))
    place.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
    check_settings(Settings(**{**GOOD, "secret_key": None, "secret_key_file": place}))


def test_every_objection_is_told_at_once() -> None:
    with pytest.raises(NotReadyToStart) as refused:
        check_settings(Settings(is_production=True, allow_scripted_models=True, allow_loopback=True))
    assert refused.value.detail.count("\n- ") == 4


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
