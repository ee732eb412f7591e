"""How often something may happen: token buckets in memory, one per key.

Each process counts for itself; the limits are there to stop a flood, not to bill by.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass

from signoff.kit import clock

# Enough for every client of a busy hour; the least recently seen are forgotten first, so a flood of
# made-up keys cannot fill the memory.
_KEYS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Grant:
    """Whether one more is allowed, how many are left, and the seconds until one (when allowed: all) is free again."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


class Rates:
    """At most `per_minute` per key, refilled steadily."""

    def __init__(self, per_minute: int) -> None:
        self.limit = per_minute
        self._per_second = per_minute / 60.0
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> Grant:
        """Count one for `key`, unless it has none left."""
        moment = clock.monotonic_seconds()
        with self._lock:
            left, at = self._buckets.pop(key, (float(self.limit), moment))
            left = min(float(self.limit), left + (moment - at) * self._per_second)
            is_allowed = left >= 1.0
            if is_allowed:
                left -= 1.0
            self._buckets[key] = (left, moment)
            if len(self._buckets) > _KEYS_MAX:
                self._buckets.popitem(last=False)
        missing = (self.limit - left) if is_allowed else (1.0 - left)
        return Grant(is_allowed, self.limit, int(left), max(1, math.ceil(missing / self._per_second)))

    def forget(self, key: str) -> None:
        """Give `key` its whole allowance back."""
        with self._lock:
            self._buckets.pop(key, None)
