"""Sealing of single values: AES-256-GCM, a fresh random nonce each, bound to the row they belong to.

It lies on the ground so that every room can keep a value that must be read again. What a value is bound to is the
caller's: a ciphertext that was moved to another row does not open there.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signoff.kit.errors import Fault

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key of 32 bytes. `id` is a fingerprint that is stored with what the key encrypted."""

    value: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Return the key's fingerprint: it tells keys apart and nothing about them."""
        return hashlib.sha256(b"signoff master key\0" + self.value).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The key that encrypts, and older ones that still decrypt."""

    current: MasterKey
    old: tuple[MasterKey, ...] = ()

    def by_id(self, key_id: str) -> MasterKey | None:
        """Return the key with this fingerprint."""
        return next((key for key in (self.current, *self.old) if key.id == key_id), None)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value."""

    ciphertext: bytes
    nonce: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens values with the master keys. `bound_to` names the place a value belongs to."""

    keys: MasterKeys = field(repr=False)

    def seal(self, value: str, bound_to: bytes) -> Sealed:
        """Encrypt `value` for one place with the current key."""
        return sealed_with(self.keys.current.value, self.keys.current.id, value, bound_to)

    def open(self, sealed: Sealed, bound_to: bytes) -> str:
        """Decrypt.

        Raises:
            Fault: the key is not among the settings' keys, or the value was changed or moved.
        """
        key = self.keys.by_id(sealed.key_id)
        if key is None:
            raise Fault(
                "A secret was encrypted with a key that this process does not have. Put that key into old_secret_keys, "
                "or enter the secret again.",
                code="secret_key_missing",
            )
        return opened_with(key.value, sealed, bound_to)


def sealed_with(key: bytes, key_id: str, value: str, bound_to: bytes) -> Sealed:
    """Encrypt `value` for one place with `key`."""
    nonce = os.urandom(_NONCE_BYTES)
    return Sealed(AESGCM(key).encrypt(nonce, value.encode("utf-8"), bound_to), nonce, key_id)


def opened_with(key: bytes, sealed: Sealed, bound_to: bytes) -> str:
    """Decrypt with `key`.

    Raises:
        Fault: the value was changed or moved.
    """
    try:
        return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, bound_to).decode("utf-8")
    except InvalidTag as error:
        raise Fault(
            "A stored secret does not open: it was changed, or belongs to another row. Enter it again.",
            code="secret_damaged",
        ) from error
