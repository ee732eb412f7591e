"""Encryption of the secrets of connections: each value is bound to the row and the version it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field

from signoff.kit.canonical import canonical_json
from signoff.kit.sealing import MasterKeys, Sealed, Sealer

__all__ = ["Place", "Sealed", "Vault"]


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
        return Sealer(self.keys).seal(value, place.aad)

    def open(self, sealed: Sealed, place: Place) -> str:
        """Decrypt.

        Raises:
            Fault: the key is not among the settings' keys, or the value was changed or moved.
        """
        return Sealer(self.keys).open(sealed, place.aad)
