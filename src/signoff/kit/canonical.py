"""One text for one value: canonical JSON and its hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys, no spaces, no NaN: equal values give equal text.

    Raises:
        ValueError: the value holds NaN or infinity.
        TypeError: the value is not plain JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any) -> str:
    """Return the sha-256 of the canonical JSON, in hex."""
    # Lone surrogates are legal in JSON text and have no UTF-8 form; they must not make hashing fail.
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()
