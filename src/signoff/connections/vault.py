"""Encryption of single values: AES-256-GCM, a fresh random nonce each, bound to the row they belong to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signoff.connections.keys import MasterKeys
from signoff.kit.canonical import canonical_json
from signoff.kit.errors import Fault

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value."""

    ciphertext: bytes
    nonce: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class Place:
    """The row and the version a value belongs to. A ciphertext moved to another row does not open."""

    workspace_id: str
    secret_id: str
    version: int

    @property
    def aad(self) -> bytes:
        """Return what is authenticated along with the value."""
        return canonical_json(["signoff.secret.v1", self.workspace_id, self.secret_id, self.version]).encode()


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens values with the master keys."""

    keys: MasterKeys = field(repr=False)

    def seal(self, value: str, place: Place) -> Sealed:
        """Encrypt `value` for `place` with the current key."""
        nonce = os.urandom(_NONCE_BYTES)
        key = self.keys.current
        return Sealed(AESGCM(key.value).encrypt(nonce, value.encode("utf-8"), place.aad), nonce, key.id)

    def open(self, sealed: Sealed, place: Place) -> str:
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
