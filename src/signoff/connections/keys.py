"""The master key: from the settings or a file; made once for a trial; never guessed in production."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from pathlib import Path

from signoff.connectors.vaults.key_service import ask
from signoff.kit.errors import ConnectorError, Fault
from signoff.kit.private import private_folder
from signoff.kit.sealing import MasterKey, MasterKeys
from signoff.settings import Settings

__all__ = ["MasterKey", "MasterKeys", "keys_of", "load_keys", "new_key_text", "wrapped_new_key"]

KEY_BYTES = 32
_FILE_NAME = "secret.key"


def load_keys(settings: Settings) -> MasterKeys:
    """Return the master keys.

    Outside production, a key is made once and kept in the data folder, readable by its owner only.

    Raises:
        Fault: there is no key in production, or what is there is not a key.
    """
    old = (
        *(_key_of(value.get_secret_value(), "old_secret_keys") for value in settings.old_secret_keys),
        *(_unwrapped(settings, text, "old_secret_keys_wrapped") for text in settings.old_secret_keys_wrapped),
    )
    if settings.secret_key is not None:
        return MasterKeys(_key_of(settings.secret_key.get_secret_value(), "SIGNOFF_SECRET_KEY"), old)
    if settings.secret_key_file is not None:
        return MasterKeys(_key_in(settings.secret_key_file), old)
    if settings.secret_key_wrapped is not None:
        return MasterKeys(_unwrapped(settings, settings.secret_key_wrapped, "SIGNOFF_SECRET_KEY_WRAPPED"), old)
    if settings.is_production:
        raise _fault(
            "There is no key to encrypt secrets with. Set SIGNOFF_SECRET_KEY, or SIGNOFF_SECRET_KEY_FILE, to 32 random "
            "bytes in base64, such as `openssl rand -base64 32` prints."
        )
    return MasterKeys(_made_once(settings.data_dir / _FILE_NAME), old)


def wrapped_new_key(settings: Settings) -> str:
    """Return a new key, wrapped by the operator's `secret_key_wrap_command`, as `secret_key_wrapped` takes it.

    Raises:
        Fault: the command is not set, fails, or does not give back what it was given when it is unwrapped.
    """
    text = new_key_text()
    wrapped = _told_by(settings, settings.secret_key_wrap_command, "secret_key_wrap_command", text)
    key = _key_of(text, "the new key")
    if settings.secret_key_unwrap_command and _unwrapped(settings, wrapped, "the wrapped key").id != key.id:
        raise _fault("What secret_key_wrap_command gave does not unwrap to the same key. Nothing was kept.")
    return wrapped


def new_key_text() -> str:
    """Return a new key in the form the settings take."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def keys_of(texts: Sequence[str]) -> MasterKeys:
    """Return keys from their base64 texts, the current one first."""
    first, *rest = (_key_of(text, "the key") for text in texts)
    return MasterKeys(first, tuple(rest))


def _unwrapped(settings: Settings, wrapped: str, where: str) -> MasterKey:
    command = settings.secret_key_unwrap_command
    return _key_of(_told_by(settings, command, "secret_key_unwrap_command", wrapped), f"What {where} unwraps to")


def _told_by(settings: Settings, command: Sequence[str], name: str, text: str) -> str:
    if not command:
        raise _fault(f"{name} is not set. Give the program and its arguments as a list; it reads and writes base64.")
    try:
        return ask(command, text, timeout_seconds=settings.secret_key_command_seconds)
    except ConnectorError as error:
        raise _fault(f"{name}: {error.detail}") from error


def _made_once(path: Path) -> MasterKey:
    private_folder(path.parent)
    whole = path.with_name(f"{path.name}.{os.getpid()}.new")
    if not path.exists():
        # Written whole and linked: of two processes that start together, both read the key of the first.
        descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, new_key_text().encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(whole, path)
        except FileExistsError:
            pass
        finally:
            whole.unlink(missing_ok=True)
    return _key_in(path)


def _key_in(path: Path) -> MasterKey:
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(f"The key file {path} cannot be read: {error}.") from error
    return _key_of(text, str(path))


def _key_of(text: str, where: str) -> MasterKey:
    try:
        value = base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        value = b""
    if len(value) != KEY_BYTES:
        raise _fault(
            f"{where} does not hold a key: it takes 32 bytes in base64, such as `openssl rand -base64 32` prints."
        )
    if len(set(value)) < 8:
        raise _fault(f"{where} holds a key that is not random. Make one with `openssl rand -base64 32`.")
    return MasterKey(value)


def _fault(detail: str) -> Fault:
    return Fault(detail, code="no_secret_key")
