"""Where the value of a connection's secret belongs; it is sealed as `kit.sealing` says."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.kit.canonical import canonical_json
from signoff.kit.sealing import Sealed, Vault

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
