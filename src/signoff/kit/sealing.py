"""Encryption of single values: AES-256-GCM, a fresh random nonce each, bound to the place they belong to."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signoff.kit.errors import Fault

KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key. `id` is a fingerprint that is stored with what the key encrypted."""

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


class SealedPlace(Protocol):
    """Where a value belongs: its row, its kind, its version. A ciphertext moved elsewhere does not open."""

    @property
    def aad(self) -> bytes:
        """Return what is authenticated along with the value; it begins with a word for the kind of value."""
        ...


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens values with the master keys."""

    keys: MasterKeys = field(repr=False)

    def seal(self, value: str, place: SealedPlace) -> Sealed:
        """Encrypt `value` for `place` with the current key."""
        nonce = os.urandom(_NONCE_BYTES)
        key = self.keys.current
        return Sealed(AESGCM(key.value).encrypt(nonce, value.encode("utf-8"), place.aad), nonce, key.id)

    def open(self, sealed: Sealed, place: SealedPlace) -> str:
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
        try:
            return AESGCM(key.value).decrypt(sealed.nonce, sealed.ciphertext, place.aad).decode("utf-8")
        except InvalidTag as error:
            raise Fault(
                "A stored secret does not open: it was changed, or belongs to another row. Enter it again.",
                code="secret_damaged",
            ) from error
