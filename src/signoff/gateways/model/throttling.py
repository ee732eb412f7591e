"""How many calls one provider gets at once from this process, and for how long it asked to be left alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from signoff.kit import chance, clock

# Beyond this, calls queue here instead of being refused there.
CALLS_AT_ONCE_MAX = 16
_PAUSE_SECONDS_MAX = 60.0


@dataclass(slots=True)
class Throttle:
    """One provider."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE_MAX))
    not_before: float = 0.0

    def pause(self, seconds: float) -> None:
        """Keep every call away for `seconds`, at most a minute: the provider asked for it."""
        until = clock.monotonic_seconds() + min(seconds, _PAUSE_SECONDS_MAX)
        self.not_before = max(self.not_before, until)

    async def wait(self) -> None:
        """Return when the pause is over. Those who waited do not all go in the same instant."""
        left = self.not_before - clock.monotonic_seconds()
        if left > 0:
            await asyncio.sleep(left + chance.jittered(0.1))


@dataclass(slots=True)
class Throttles:
    """All providers of one event loop."""

    _by_provider: dict[str, Throttle] = field(default_factory=dict[str, Throttle])

    def of(self, provider: str) -> Throttle:
        """Return the throttle of `provider`."""
        return self._by_provider.setdefault(provider, Throttle())
