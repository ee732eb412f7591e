"""How often something may happen: at most so often in any minute, counted in memory, one count per key.

Each process counts for itself; what holds over all of them is built on it (`api.shared_rates`, `people.throttle`).
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from signoff.kit import clock

# Enough for every client of a busy hour; the least recently seen are forgotten first, so a flood of
# made-up keys cannot fill the memory.
_KEYS_MAX = 20_000
_WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Grant:
    """Whether one more is allowed, how many are left, and the seconds until more are free again."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


@dataclass(slots=True)
class _Count:
    """What one key did in the last minute: pairs of a second and how many in it, oldest first."""

    seconds: deque[tuple[int, int]] = field(default_factory=deque[tuple[int, int]])
    total: int = 0

    def forget_before(self, second: int) -> None:
        while self.seconds and self.seconds[0][0] < second:
            self.total -= self.seconds.popleft()[1]

    def add(self, second: int) -> None:
        here = self.seconds.pop()[1] if self.seconds and self.seconds[-1][0] == second else 0
        self.seconds.append((second, here + 1))
        self.total += 1


class Rates:
    """At most `per_minute` per key in any 60 seconds, to the one. What is refused is not counted."""

    def __init__(self, per_minute: int) -> None:
        self.limit = per_minute
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> Grant:
        """Count one for `key`, unless it has none left."""
        moment = clock.monotonic_seconds()
        second = math.floor(moment)
        with self._lock:
            count = self._counts.pop(key, None) or _Count()
            self._counts[key] = count
            if len(self._counts) > _KEYS_MAX:
                self._counts.popitem(last=False)
            # A second counts whole until all of it is a minute ago, so no minute ever holds more than the limit.
            count.forget_before(second - _WINDOW_SECONDS)
            is_allowed = count.total < self.limit
            if is_allowed:
                count.add(second)
            oldest = count.seconds[0][0] if count.seconds else second
            reset = math.ceil(oldest + _WINDOW_SECONDS + 1 - moment)
            return Grant(is_allowed, self.limit, self.limit - count.total, max(1, reset))

    def give_back(self, key: str) -> None:
        """Take the last one back: it was allowed, and did not happen."""
        with self._lock:
            count = self._counts.get(key)
            if count is not None and count.seconds:
                second, many = count.seconds.pop()
                count.total -= 1
                if many > 1:
                    count.seconds.append((second, many - 1))

    def forget(self, key: str) -> None:
        """Give `key` its whole allowance back."""
        with self._lock:
            self._counts.pop(key, None)
