"""A connection's tools as its page shows them: what is accepted, and what waits for somebody to look."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from signoff.connections.views import ToolRow
from signoff.kit.text import shortened
from signoff.web.diffs import Diff, unified

EFFECT_WORDS: tuple[tuple[str, str], ...] = (
    ("read", "Reads"),
    ("write", "Writes"),
    ("send", "Sends"),
    ("irreversible", "Cannot be undone"),
)
STATE_LOOKS = {
    "accepted": ("ready", "Accepted"),
    "new": ("open", "New"),
    "changed": ("changed", "Changed"),
    "removed": ("retired", "No longer offered"),
}
ABOUT_CHARS = 220


@dataclass(frozen=True, slots=True)
class ToolLine:
    """A tool in the table, and why the last change to its class, or to its labels, was refused."""

    tool: ToolRow
    problem: str = ""
    labels_problem: str = ""

    @property
    def flow(self) -> str:
        """Return what flows through it, in a few words."""
        labels = self.tool.labels
        believed = "Results are trusted" if labels.result == "trusted" else "Results are untrusted"
        seen = {"public": "public", "workspace": "for the workspace", "restricted": "restricted"}
        target = "every argument may choose the target"
        if labels.sinks is not None:
            target = f"{', '.join(labels.sinks)} chooses the target" if labels.sinks else "it has one target"
        elif labels.payload:
            target = f"every argument but {', '.join(labels.payload)} may choose the target"
        return f"{believed} and {seen[labels.confidentiality]}; {target}"

    @property
    def about(self) -> str:
        """Return its description, as much as a line holds."""
        return shortened(" ".join(self.tool.description.split()), ABOUT_CHARS)

    @property
    def look(self) -> tuple[str, str]:
        """Return the state to draw, and its word."""
        return STATE_LOOKS[self.tool.state]

    @property
    def hint(self) -> str:
        """Return what to consider about its class, or nothing."""
        if self.tool.effect_source == "default":
            said = dict(EFFECT_WORDS)[self.tool.suggested_effect].lower()
            about = "it says nothing about itself" if said == "cannot be undone" else f"it says of itself: {said}"
            return f"Nobody has judged it yet; {about}."
        if self.tool.effect_source == "hint":
            return "Made stricter: the tool now says that it changes things."
        return ""


@dataclass(frozen=True, slots=True)
class WaitingTool:
    """A tool that agents may not call until somebody accepts it. `diff` None: it is new."""

    tool: ToolRow
    offered: dict[str, Any]
    hash: str
    diff: Diff | None

    @property
    def is_new(self) -> bool:
        """Return whether it was never accepted."""
        return self.diff is None


def names_in(text: str) -> tuple[str, ...]:
    """Return the names in a text, which stand apart by commas or blanks."""
    return tuple(text.replace(",", " ").split())


def lines_of(tools: Sequence[ToolRow], problem_tool: str, problem: str, about: str = "effect") -> tuple[ToolLine, ...]:
    """Return the table's lines; those no longer offered come last."""
    ordered = sorted(tools, key=lambda tool: (tool.state == "removed", tool.name))
    lines: list[ToolLine] = []
    for tool in ordered:
        words = problem if tool.name == problem_tool else ""
        lines.append(ToolLine(tool, "", words) if about == "labels" else ToolLine(tool, words))
    return tuple(lines)


def waiting_among(tools: Sequence[ToolRow]) -> tuple[WaitingTool, ...]:
    """Return what waits: changed tools first, because agents used them until now."""
    changed = [tool for tool in tools if tool.state == "changed" and tool.offered is not None]
    new = [tool for tool in tools if tool.state == "new"]
    return tuple(
        WaitingTool(
            tool, tool.offered or {}, tool.offered_hash or "", unified(_text(tool.definition), _text(tool.offered))
        )
        for tool in changed
    ) + tuple(WaitingTool(tool, tool.definition, tool.definition_hash, None) for tool in new)


def _text(definition: Any) -> str:
    # The same key order on both sides: only what means something may differ.
    return json.dumps(definition, ensure_ascii=False, indent=2, sort_keys=True)
