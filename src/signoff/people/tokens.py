"""Tokens that let somebody in. The caller sees one once; only its hash is stored.

A plain sha-256 is enough: every token has 256 random bits, so there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from signoff.kit import ids

_ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"
_PREFIX_CHARS = 10
_TOKEN_CHARS_MAX = 200


def hash_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def is_same(stored_hash: str, token: str) -> bool:
    """Compare the whole token, in constant time."""
    return hmac.compare_digest(stored_hash, hash_of(token))


def new_session_token() -> str:
    """Return a token for a browser's cookie."""
    return ids.new_token("ses")


def new_link_token() -> str:
    """Return a token for a one-time link."""
    return ids.new_token("set")


def new_pending_token() -> str:
    """Return a token for a sign-in that waits for its second step."""
    return ids.new_token("psi")


def new_key() -> tuple[str, str]:
    """Return `(prefix, key)`: the key is `so_<prefix>_<secret>`, and the prefix finds its row."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(_PREFIX_CHARS))
    return prefix, f"so_{prefix}_{secrets.token_urlsafe(32)}"


def prefix_of(key: str) -> str | None:
    """Return the prefix inside a key, or None when the text is no key of ours."""
    if len(key) > _TOKEN_CHARS_MAX or not key.isascii():
        return None
    parts = key.split("_", 2)
    if len(parts) != 3 or parts[0] != "so" or len(parts[1]) != _PREFIX_CHARS or not parts[1].isalnum():
        return None
    return parts[1]
