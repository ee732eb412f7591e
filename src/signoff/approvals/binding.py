"""What an answer is bound to: this tool, these arguments, this revision, this run. Changed, it is another question."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from signoff.kit.canonical import content_hash
from signoff.kit.text import storable


def binding_of(tool: str, args: Any, *, revision_id: str, run_id: str) -> str:
    """Return the hash of what is to be agreed to."""
    return content_hash({"tool": tool, "args": args, "revision": revision_id, "run": run_id})


def value_hash(value: Any) -> str:
    """Return the hash by which a value that was accepted for a run is found: without case and outer blanks."""
    return hashlib.sha256(normalised(value).encode()).hexdigest()


def normalised(value: Any) -> str:
    """Return a value as two are compared for being the same target."""
    text = value if isinstance(value, str) else content_hash(value)
    return " ".join(storable(text).split()).casefold()


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return which arguments differ, each with what it was and what it is; None where it was not there."""
    names = sorted({*before, *after})
    return [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if (name in before, before.get(name)) != (name in after, after.get(name))
    ]
