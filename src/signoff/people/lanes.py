"""The ways to the front door. Checking a password takes long on purpose: attempts wait for each other, for nobody else.

They have threads of their own, so that a flood of them leaves those alone that draw pages. Whoever comes from where
they came in before has a lane beside that of strangers, and waits behind none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from signoff.people.knocks import Knocks, too_many

T = TypeVar("T")

# As many as passwords are checked at once.
THREADS = 2
# More of them would wait for longer than a person does.
WAITING_MAX = 40
_AGAIN_SECONDS = 10


class _Lane:
    """A few threads, and a bound for who waits for one. Entered and left on the loop of one process only."""

    def __init__(self) -> None:
        self._threads = CapacityLimiter(THREADS)
        self._inside = 0

    async def run(self, work: Callable[[], T]) -> T:
        if self._inside >= THREADS + WAITING_MAX:
            raise too_many(_AGAIN_SECONDS)
        self._inside += 1
        try:
            return await to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._inside -= 1


class Lanes:
    """One lane for those who are familiar to the account they come to, one for all others."""

    def __init__(self, knocks: Knocks) -> None:
        self._knocks = knocks
        self._familiar, self._strangers = _Lane(), _Lane()

    async def run(self, work: Callable[[], T], *, email: str, address: str) -> T:
        """Run one attempt at an account, from a network address, once it is its turn.

        Raises:
            TooMuch: too many wait already. Nothing was tried, nor is it told whether there is such an account.
        """
        is_familiar = await to_thread.run_sync(self._knocks.familiar_place, email, address)
        return await (self._familiar if is_familiar else self._strangers).run(work)
