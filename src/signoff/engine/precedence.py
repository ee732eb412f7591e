"""Requests go first: where a process serves and works, its worker begins fewer runs while requests come fast.

A run that was accepted is kept, and begins a little later. A request that is not answered is lost to whoever asks. Both
are computed by one process, so each run that begins makes the requests of that moment wait.

Where workers are processes of their own, on the same machine as those that serve, they hear of it (see `crowding`).

Only beginning is held back, by time and never to nothing. A run that has begun goes on, and waits for its model most of
the while, which costs no request anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from signoff.kit import clock
from signoff.tables.session import Store

# How long one count of requests and of beginnings lasts.
WINDOW_SECONDS = 0.25
# How many requests are at the database on average: from here on beginnings go down to the least, and below this they
# are doubled. Fifty requests a second that nothing is in the way of are half a one at a time.
_MANY, _FEW = 1.5, 0.5
# How long it counts that another process of this machine said that its requests wait. It says so more often.
_HEARD_SECONDS = 2.0
# Nothing is held back once this many might begin within one window: no process can begin more.
_ALL = 64.0


class Precedence:
    """How many runs the worker of this process may begin now. Used from the event loop only.

    Args:
        requests: the stores that requests are answered from; none where a process only works.
        least_per_second: how many runs a second begin whatever comes.
    """

    def __init__(self, requests: Sequence[Store] = (), *, least_per_second: float = 4.0) -> None:
        self._requests = requests
        self._least = least_per_second * WINDOW_SECONDS
        self._pace = math.inf
        self._left = math.inf
        self._heard_until = -math.inf
        self._asked, self._since = self._asked_seconds(), clock.monotonic_seconds()

    @property
    def is_held_back(self) -> bool:
        """Return whether fewer begin than there is room for."""
        return self._pace < math.inf

    @property
    def rest_seconds(self) -> float:
        """Return how long it is until more may begin."""
        return max(0.0, self._since + WINDOW_SECONDS - clock.monotonic_seconds())

    def places(self, free: int) -> int:
        """Return how many of the `free` places runs may begin in now."""
        self._look()
        return int(min(free, self._left))

    def began(self, count: int) -> None:
        """Count runs that begin."""
        self._left -= count

    def hear_of_crowd(self) -> None:
        """Begin the least for a moment: the requests of another process on this machine wait."""
        self._heard_until = clock.monotonic_seconds() + _HEARD_SECONDS

    def _look(self) -> None:
        if (seconds := clock.monotonic_seconds() - self._since) < WINDOW_SECONDS:
            return
        asked = self._asked_seconds()
        under_way = (asked - self._asked) / seconds
        self._asked, self._since = asked, self._since + seconds
        if under_way >= _MANY or clock.monotonic_seconds() < self._heard_until:
            self._pace = self._least
        elif under_way < _FEW:
            self._pace = math.inf if self._pace >= _ALL else self._pace * 2
        # What is left of less than one is kept, so that one begins in every few windows.
        self._left = self._pace + (self._left % 1.0 if self._pace < math.inf and self._left < math.inf else 0.0)

    def _asked_seconds(self) -> float:
        return sum(store.asked_seconds for store in self._requests)
