"""The installation's signature: one Ed25519 key, made when it is first needed, its private half sealed in the vault."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.vault import Place, Sealed, Vault
from signoff.kit import clock
from signoff.tables.record import SigningKey

# One name for everybody who makes the first one: the second finds it taken, and takes that.
_FIRST = "sgn_1"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What anybody may know of a signing key. `public_key` is 32 bytes in base64."""

    id: str
    algorithm: str
    public_key: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs bytes with the installation's key."""

    id: str
    public_key: str
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> str:
        """Return the signature, in base64."""
        return base64.b64encode(self._private.sign(data)).decode()


def signer_for(session: Session, vault: Vault) -> Signer:
    """Return the installation's signer; the first who asks makes the key.

    Raises:
        Fault: the key was sealed with a master key this process does not have.
    """
    row = session.scalar(select(SigningKey).order_by(SigningKey.created_at.desc()).limit(1))
    if row is None:
        row = _make(vault)
        session.add(row)
        session.flush()
    private = vault.open(Sealed(row.ciphertext, row.nonce, row.key_id), _place(row.id))
    return Signer(row.id, row.public_key, Ed25519PrivateKey.from_private_bytes(base64.b64decode(private)))


def public_keys(session: Session) -> list[PublicKey]:
    """Return every key this installation has signed with. They are public."""
    rows = session.scalars(select(SigningKey).order_by(SigningKey.created_at))
    return [PublicKey(row.id, "ed25519", row.public_key, row.created_at) for row in rows]


def is_signed(public_key: str, signature: str, data: bytes) -> bool:
    """Return whether `signature` is that of the key's owner under `data`; nonsense is no."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), data)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def reseal_signing_keys(session: Session, vault: Vault) -> int:
    """Seal with the current master key what an older one still holds; return how many."""
    rows = session.scalars(select(SigningKey).where(SigningKey.key_id != vault.keys.current.id)).all()
    for row in rows:
        private = vault.open(Sealed(row.ciphertext, row.nonce, row.key_id), _place(row.id))
        _put(row, vault.seal(private, _place(row.id)))
    session.flush()
    return len(rows)


def _make(vault: Vault) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    row = SigningKey(id=_FIRST, public_key=public, created_at=clock.now())
    _put(row, vault.seal(base64.b64encode(private.private_bytes_raw()).decode(), _place(row.id)))
    return row


def _put(row: SigningKey, sealed: Sealed) -> None:
    row.ciphertext, row.nonce, row.key_id = sealed.ciphertext, sealed.nonce, sealed.key_id


def _place(key_id: str) -> Place:
    return Place("instance", key_id, 1)
