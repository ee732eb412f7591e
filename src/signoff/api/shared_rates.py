"""How often something may happen in any minute, over all processes of one Postgres.

Each process counts to the one in memory. Who uses more than a twentieth of a limit is counted in the database too, a
twentieth at a time: one short transaction for every thirty requests at the usual limit, and none for most callers and
for floods of made-up ones. How exact that is: docs/decisions/0014-shared-rates.md.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from signoff.kit import clock
from signoff.kit.rates import Grant, Rates
from signoff.people.shared_counts import Share, take_share
from signoff.tables.session import Store, be_brief

_PARTS = 20
_KEYS_MAX = 20_000
# What was taken and not used is given up when the database has forgotten it.
_KEPT_SECONDS = 60.0
_REFUSED_SECONDS = 1.0
# A request waits no longer for its count; then, for a while, each process counts for itself.
_PATIENCE_SECONDS, _AWAY_SECONDS = 1.0, 5.0


@dataclass(slots=True)
class _Purse:
    """What this process took for one key and has not used. Below nothing: what it let through and has not told."""

    shares: int
    until: float
    left: int = 0
    refused_until: float = 0.0
    reset_seconds: int = 1
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SharedRates:
    """At most `limit` per key in any minute, over all processes where there is a `store`; else in this one."""

    def __init__(self, limit: int, store: Store | None = None, *, name: str = "") -> None:
        self.limit = limit
        self._local = Rates(limit)
        # SQLite is one machine and one serving process: nothing is to be shared.
        self._store = store if store is not None and not store.is_sqlite else None
        self._name = name
        self._share = max(1, limit // _PARTS)
        self._free = limit // _PARTS
        self._purses: OrderedDict[str, _Purse] = OrderedDict()
        self._away_until = 0.0

    async def take(self, key: str) -> Grant:
        """Count one for `key`, unless it has none left."""
        grant = self._local.take(key)
        used = grant.limit - grant.remaining
        if self._store is None or not grant.is_allowed or used <= self._free:
            return grant
        purse = self._purse(key, used)
        async with purse.lock:
            return await self._pay(self._store, key, grant, purse)

    def _purse(self, key: str, used: int) -> _Purse:
        moment = clock.monotonic_seconds()
        purse = self._purses.pop(key, None)
        if purse is None or purse.until <= moment:
            # What it did freely before is told with the first share.
            purse = _Purse(1 - used, moment + _KEPT_SECONDS)
        self._purses[key] = purse
        if len(self._purses) > _KEYS_MAX:
            self._purses.popitem(last=False)
        return purse

    async def _pay(self, store: Store, key: str, grant: Grant, purse: _Purse) -> Grant:
        moment = clock.monotonic_seconds()
        if purse.shares <= 0 and moment >= purse.refused_until:
            share = await self._ask(store, key, self._share - purse.shares, moment)
            if share is None:
                return grant
            purse.shares += share.granted
            purse.left, purse.reset_seconds, purse.until = share.left, share.reset_seconds, moment + _KEPT_SECONDS
            if purse.shares <= 0:
                purse.refused_until = moment + _REFUSED_SECONDS
        if purse.shares <= 0:
            self._local.give_back(key)
            return Grant(False, self.limit, 0, purse.reset_seconds)
        purse.shares -= 1
        return Grant(True, self.limit, min(grant.remaining, purse.left + purse.shares), grant.reset_seconds)

    async def _ask(self, store: Store, key: str, wanted: int, moment: float) -> Share | None:
        if moment < self._away_until:
            return None
        be_brief()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await store.write_async(take_share, f"{self._name}:{key}", wanted, per_minute=self.limit)
        except (TimeoutError, SQLAlchemyError):
            self._away_until = moment + _AWAY_SECONDS
            return None
