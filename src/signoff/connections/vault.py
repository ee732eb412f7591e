"""Encryption of the secrets of connections: each value is bound to the row and the version it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field

from signoff.connections.keys import load_keys
from signoff.kit.canonical import canonical_json
from signoff.kit.sealing import MasterKeys, Sealed, Sealer
from signoff.settings import SecretSource, Settings

__all__ = ["Place", "Sealed", "Vault"]

VERSIONS_KEPT = 10


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
        return Sealer(self.keys).seal(value, place.aad)

    def open(self, sealed: Sealed, place: Place) -> str:
        """Decrypt what a master key sealed.

        Raises:
            Fault: the key is not among the settings' keys, or the value was changed or moved.
        """
        return Sealer(self.keys).open(sealed, place.aad)
