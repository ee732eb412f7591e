"""The public keys a provider signs with: kept for ten minutes, asked for again when an unknown one is named."""

from __future__ import annotations

import asyncio
import warnings
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from signoff.connectors import net
from signoff.connectors.oidc.refused import OidcRefused
from signoff.connectors.oidc.wire import ask, object_of
from signoff.kit import clock

PublicKey = RSAKey | ECKey | OKPKey

_KEPT_SECONDS: Final = 600.0
# An unknown key id is a reason to ask again, but not more often than this: anybody can make up key ids.
_AGAIN_SECONDS: Final = 30.0
_KEYS_MAX: Final = 100
_KEPT_MAX: Final = 500
_RSA_BITS_MIN: Final = 2048
# What a key may sign. A key never decides the algorithm: the algorithm is looked up here and must fit the key.
_FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC:P-256": ("ES256",),
    "EC:P-384": ("ES384",),
    "EC:P-521": ("ES512",),
    "OKP:Ed25519": ("EdDSA", "Ed25519"),
}
ALGORITHMS: Final = frozenset(name for names in _FAMILIES.values() for name in names)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One public key, and the algorithms it may have signed with."""

    id: str
    algorithms: tuple[str, ...]
    key: PublicKey


@dataclass(slots=True)
class _Kept:
    keys: tuple[SigningKey, ...]
    until: float
    asked_at: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def keys_from(said: dict[str, Any]) -> tuple[SigningKey, ...]:
    """Return the usable public keys of a key set: for signing, asymmetric, strong enough. Others are left out."""
    listed = said.get("keys")
    rows = cast(list[Any], listed) if isinstance(listed, list) else []
    found = (_key_from(cast(dict[str, Any], row)) for row in rows[:_KEYS_MAX] if isinstance(row, dict))
    return tuple(key for key in found if key is not None)


def _key_from(row: dict[str, Any]) -> SigningKey | None:
    kind = row.get("kty")
    family = str(kind) if kind == "RSA" else f"{kind}:{row.get('crv')}"
    algorithms = _FAMILIES.get(family)
    if algorithms is None or row.get("use", "sig") != "sig":
        return None
    named = row.get("alg")
    if named is not None:
        algorithms = tuple(name for name in algorithms if name == named)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The library warns of short keys; they are refused below.
            key = import_key({name: row[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in row})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < _RSA_BITS_MIN:
        return None
    if not isinstance(key, RSAKey | ECKey | OKPKey) or not algorithms:
        return None
    return SigningKey(str(row.get("kid") or ""), algorithms, key)


class KeyCache:
    """Remembers providers' keys. One per process."""

    def __init__(self, guard: net.Guard) -> None:
        self._guard = guard
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def find(self, jwks_uri: str, key_id: str, algorithm: str) -> SigningKey:
        """Return the key that signed with `algorithm` under `key_id`; without an id, the only one that fits.

        Raises:
            OidcRefused: `unknown_key`, or the keys cannot be had.
        """
        kept = self._place(jwks_uri)
        async with kept.lock:
            moment = clock.monotonic_seconds()
            if kept.until <= moment:
                await self._ask(jwks_uri, kept)
            found = _choose(kept.keys, key_id, algorithm)
            if found is None and kept.asked_at + _AGAIN_SECONDS <= moment:
                await self._ask(jwks_uri, kept)
                found = _choose(kept.keys, key_id, algorithm)
        if found is None:
            raise OidcRefused("unknown_key", "The token names a key that the provider does not publish.")
        return found

    async def fresh(self, jwks_uri: str) -> tuple[SigningKey, ...]:
        """Ask for the keys now, and remember them.

        Raises:
            OidcRefused: they cannot be had.
        """
        kept = self._place(jwks_uri)
        async with kept.lock:
            await self._ask(jwks_uri, kept)
        return kept.keys

    def _place(self, jwks_uri: str) -> _Kept:
        kept = self._kept.setdefault(jwks_uri, _Kept((), 0.0, float("-inf")))
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)
        return kept

    async def _ask(self, jwks_uri: str, kept: _Kept) -> None:
        kept.asked_at = clock.monotonic_seconds()
        keys = keys_from(object_of(await ask(self._guard, "GET", jwks_uri), "bad_keys"))
        if not keys:
            raise OidcRefused("bad_keys", "The provider publishes no key that can be used.")
        kept.keys, kept.until = keys, kept.asked_at + _KEPT_SECONDS


def _choose(keys: tuple[SigningKey, ...], key_id: str, algorithm: str) -> SigningKey | None:
    fitting = [key for key in keys if algorithm in key.algorithms and (not key_id or key.id == key_id)]
    return fitting[0] if len(fitting) == 1 else None
