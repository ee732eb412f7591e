"""The tools of one leg under the names the model sees: `<slot>_<tool>`, unique, and legal with every provider. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

NAME_CHARS = 64
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class PinnedTool:
    """One tool as its definition stood when the leg began. Plain JSON both ways."""

    slot: str
    tool: str
    description: str
    schema: dict[str, Any]
    definition_hash: str

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)


def named(tools: Iterable[PinnedTool]) -> dict[str, PinnedTool]:
    """Return each tool under its name. The same tools in the same order get the same names."""
    found: dict[str, PinnedTool] = {}
    for tool in tools:
        # A tool of our own has no slot.
        name = _ILLEGAL.sub("_", f"{tool.slot}_{tool.tool}" if tool.slot else tool.tool)
        if len(name) > NAME_CHARS or name in found:
            digest = hashlib.sha256(f"{tool.slot}/{tool.tool}".encode()).hexdigest()[:8]
            name = f"{name[: NAME_CHARS - 9]}_{digest}"
        found[name] = tool
    return found
