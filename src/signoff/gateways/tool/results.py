"""A tool's result, made fit to show a model and to keep."""

from __future__ import annotations

from typing import Any

from signoff.connectors.plain import clean
from signoff.kit.canonical import canonical_json


def fitted(value: Any, chars_max: int) -> tuple[Any, bool]:
    """Return `value` as storable JSON of at most about `chars_max` characters, and whether it was cut.

    What is too long becomes its beginning, with a mark that says how long all of it was.
    """
    found = clean(value)
    text = found if isinstance(found, str) else None
    if text is None:
        text = canonical_json(found)
        if len(text) <= chars_max:
            return found, False
    elif len(text) <= chars_max:
        return found, False
    return f"{text[:chars_max]}\n[cut here: {len(text) - chars_max:,} of {len(text):,} characters left out]", True
