"""Encryption of single values: AES-256-GCM, a fresh random nonce each, bound to the row they belong to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signoff.connections.keys import MasterKeys, load_keys
from signoff.kit.canonical import canonical_json
from signoff.kit.errors import Fault
from signoff.settings import SecretSource, Settings

_NONCE_BYTES = 12
VERSIONS_KEPT = 10


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
    """Seals and opens values, and knows how they are to be kept.

    Args:
        keys: the master keys, which seal the workspaces' own keys (`connections.envelope`).
        sources: what secrets may refer to in outside stores.
        versions_kept: how many values of a secret are kept, the current one included.
    """

    keys: MasterKeys = field(repr=False)
    sources: tuple[SecretSource, ...] = ()
    versions_kept: int = VERSIONS_KEPT
    # The workspaces' keys that were opened in this process, by id.
    opened: dict[str, bytes] = field(default_factory=dict[str, bytes], repr=False, compare=False)

    @staticmethod
    def build(settings: Settings) -> Vault:
        """Return the vault that the settings describe.

        Raises:
            Fault: the master key is missing, or is none.
        """
        return Vault(load_keys(settings), tuple(settings.secret_sources), settings.secret_versions_kept)

    def seal(self, value: str, place: Place) -> Sealed:
        """Encrypt `value` for `place` with the current master key."""
        return sealed_with(self.keys.current.value, self.keys.current.id, value, place)

    def open(self, sealed: Sealed, place: Place) -> str:
        """Decrypt what a master key sealed.

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
        return opened_with(key.value, sealed, place)


def sealed_with(key: bytes, key_id: str, value: str, place: Place) -> Sealed:
    """Encrypt `value` for `place` with `key`."""
    nonce = os.urandom(_NONCE_BYTES)
    return Sealed(AESGCM(key).encrypt(nonce, value.encode("utf-8"), place.aad), nonce, key_id)


def opened_with(key: bytes, sealed: Sealed, place: Place) -> str:
    """Decrypt with `key`.

    Raises:
        Fault: the value was changed or moved.
    """
    try:
        return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, place.aad).decode("utf-8")
    except InvalidTag as error:
        raise Fault(
            "A stored secret does not open: it was changed, or belongs to another row. Enter it again.",
            code="secret_damaged",
        ) from error
