"""Which variant serves a key: a hash decides, so every process says the same and nobody has to remember. Pure."""

from __future__ import annotations

import hashlib
from typing import Literal

BUCKETS = 10_000
Variant = Literal["candidate", "live"]


def bucket(salt: str, key: str) -> int:
    """Return the bucket of a key, 0 to 9,999.

    Args:
        salt: the release's own, told to nobody: not always the same keys go first, and nobody chooses a side.
        key: what must not change sides: a case, a session, a caller; a run that has none is its own key.
    """
    return int(hashlib.sha256(f"{salt}:{key}".encode()).hexdigest(), 16) % BUCKETS


def variant_for(salt: str, key: str, share_percent: float) -> Variant:
    """Return which variant serves a key while the candidate's share is this many percent.

    The candidate has the lowest buckets. So a growing share only adds keys to it: none goes back, and none changes
    sides when the share shrinks and grows again to where it was.

    Raises:
        ValueError: the share is not from 0 to 100.
    """
    if not 0 <= share_percent <= 100:
        raise ValueError(f"A share is from 0 to 100 percent, not {share_percent}.")
    # Rounded, because 0.07 × 100 is a little more than 7.
    return "candidate" if bucket(salt, key) < round(share_percent * 100) else "live"
