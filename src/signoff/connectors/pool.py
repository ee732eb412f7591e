"""Links kept open between calls: opened once, shared by tasks, replaced when dead or when the connection changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from signoff.connectors import faults
from signoff.connectors.opening import open_link
from signoff.connectors.protocol import Link
from signoff.kit import clock
from signoff.kit.canonical import content_hash
from signoff.settings import Settings

log = logging.getLogger(__name__)

OPEN_SECONDS_MAX = 30.0
LINKS_MAX = 200
# How long a link that was replaced may go on with the calls it still has.
_RETIRE_SECONDS = 60.0
_RETIRE_LOOK_SECONDS = 0.05

Key = tuple[str, int, str]
Opener = Callable[[Settings, str, Mapping[str, Any]], Coroutine[Any, Any, Link]]


@dataclass(slots=True)
class _Entry:
    link: Link | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    used_at: float = 0.0


class Pool:
    """The open links of one process, on one event loop.

    The key of a link is its connection, the connection's version, and the hash of its resolved configuration: a new
    secret value, too, means a new link.
    """

    def __init__(self, settings: Settings, *, opener: Opener = open_link, links_max: int = LINKS_MAX) -> None:
        self._settings = settings
        self._opener = opener
        self._links_max = links_max
        self._entries: dict[Key, _Entry] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def link(self, connection_id: str, version: int, kind: str, config: Mapping[str, Any]) -> Link:
        """Return an open link, opening it when there is none or it has died.

        Args:
            config: the connection's configuration with secrets resolved; it is used, never kept.

        Raises:
            ConnectorError: it could not be opened within 30 seconds, or the pool is closed.
        """
        if self._is_closed:
            raise faults.fault(faults.UNREACHABLE, "This process is shutting down.")
        key = (connection_id, version, content_hash(dict(config)))
        entry = self._entries.setdefault(key, _Entry())
        entry.used_at = clock.monotonic_seconds()
        async with entry.lock:
            if entry.link is None or not entry.link.is_alive:
                if entry.link is not None:
                    self._retire(entry.link)
                    entry.link = None
                entry.link = await self._open(kind, config)
                self._drop_others(key)
            return entry.link

    async def _open(self, kind: str, config: Mapping[str, Any]) -> Link:
        try:
            async with asyncio.timeout(OPEN_SECONDS_MAX):
                return await self._opener(self._settings, kind, config)
        except TimeoutError:
            raise faults.fault(
                faults.TIMEOUT, f"The connection did not open within {OPEN_SECONDS_MAX:.0f} seconds."
            ) from None

    def _drop_others(self, kept: Key) -> None:
        """Let go of links to older versions of the same connection, and of the longest unused beyond the limit."""
        for key in [key for key in self._entries if key[0] == kept[0] and key != kept]:
            # A newer version may have been opened while this one was; the older one never displaces it.
            if key[1] <= kept[1]:
                self._forget(key)
        for key, _ in sorted(self._entries.items(), key=lambda item: item[1].used_at):
            if len(self._entries) <= self._links_max:
                break
            if key != kept:
                self._forget(key)

    def _forget(self, key: Key) -> None:
        entry = self._entries[key]
        if entry.lock.locked():
            return
        del self._entries[key]
        if entry.link is not None:
            self._retire(entry.link)

    def _retire(self, link: Link) -> None:
        task = asyncio.get_running_loop().create_task(_retire(link))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        """Close every link. No call is waited for."""
        self._is_closed = True
        links = [entry.link for entry in self._entries.values() if entry.link is not None]
        self._entries.clear()
        retiring = list(self._retiring)
        for task in retiring:
            task.cancel()
        # A retiring task closes its link also when it is cancelled.
        await asyncio.gather(*retiring, *(link.close() for link in links), return_exceptions=True)


async def _retire(link: Link) -> None:
    """Close a link once its calls have ended, or after a minute."""
    try:
        for _ in range(int(_RETIRE_SECONDS / _RETIRE_LOOK_SECONDS)):
            if not link.open_calls:
                break
            await asyncio.sleep(_RETIRE_LOOK_SECONDS)
    finally:
        await link.close()
