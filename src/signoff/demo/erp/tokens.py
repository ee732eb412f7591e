"""Access to the writing tools: a token, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from signoff.demo.erp.database import connect, prepare, writing
from signoff.demo.erp.wording import ErpRefusal
from signoff.kit.clock import now


def issue(path: Path) -> str:
    """Make a token that may write, and return it. It cannot be read again."""
    prepare(path)
    token = f"erp_{secrets.token_urlsafe(24)}"
    with writing(path) as connection:
        connection.execute("INSERT INTO tokens VALUES (?, ?)", (_hash(token), now().isoformat()))
    return token


def check(path: Path, token: str) -> None:
    """Return quietly when `token` was issued here.

    Raises:
        ErpRefusal: it was not.
    """
    with connect(path) as connection:
        if connection.execute("SELECT 1 FROM tokens WHERE hash = ?", (_hash(token),)).fetchone() is None:
            raise ErpRefusal("The ERP does not know this token. Put a token of this ERP into the secret ERP_TOKEN.")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def has_any(path: Path) -> bool:
    """Return whether this ERP has issued a token."""
    prepare(path)
    with connect(path) as connection:
        return connection.execute("SELECT 1 FROM tokens LIMIT 1").fetchone() is not None
