"""Values from outside, made fit to keep: plain JSON that every database takes, within a size."""

from __future__ import annotations

import json
import math
from typing import Any

from signoff.kit.text import storable

DEPTH_MAX = 64
_INTEGER_DIGITS_MAX = 4_000
_TOO_DEEP = "(nested too deep)"


def clean(value: Any, depth: int = 0) -> Any:
    """Return `value` as storable JSON: no NUL, no lone surrogate, no NaN, at most 64 levels."""
    if depth > DEPTH_MAX:
        return _TOO_DEEP
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if value.bit_length() < _INTEGER_DIGITS_MAX * 3 else str(value.bit_length()) + " bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {storable(str(key)): clean(item, depth + 1) for key, item in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [clean(item, depth + 1) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return storable(str(value))


def cleaned_object(value: Any) -> dict[str, Any]:
    """Return `value` cleaned when it is a JSON object, else an empty one."""
    found = clean(value)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def limited(value: Any, chars_max: int) -> Any:
    """Return `value` cleaned, or its beginning with a mark when its JSON is longer than `chars_max` characters."""
    found = clean(value)
    if isinstance(found, str):
        if len(found) <= chars_max:
            return found
        return f"{found[:chars_max]}\n[cut here: {len(found)} characters in all]"
    text = json.dumps(found, ensure_ascii=False)
    if len(text) <= chars_max:
        return found
    return {"is_truncated": True, "chars": len(text), "beginning": f"{text[:chars_max]}…"}


def parsed_or_text(text: str) -> Any:
    """Return the JSON that `text` holds when it is an object or an array, else the text itself."""
    stripped = text.strip()
    if stripped[:1] not in ("{", "["):
        return text
    try:
        return json.loads(stripped)
    except (ValueError, RecursionError):
        return text


def parsed_scalar_or_text(text: str) -> Any:
    """Return the JSON that `text` holds, a bare number or string too, else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
