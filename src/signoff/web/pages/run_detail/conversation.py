"""The messages a model was shown and what it answered, as the reader sees them. What they say is data, never markup."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

ANSWER_TOOL = "final_result"
TEXT_CHARS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Said:
    """One part of a conversation: who says it, and what. `body` is text, or data."""

    role: str
    name: str
    body: Any
    about: str = ""
    is_markdown: bool = False
    more: str = ""
    """How many characters of a long text are left out, in words."""


def said_in(body: Any) -> list[Said]:
    """Return the parts of one stored message."""
    message = mapping(body)
    parts: Sequence[Any] = message.get("parts") or ()
    return [said for part in parts[:200] for said in _part(mapping(part))]


def _part(part: Mapping[str, Any]) -> list[Said]:
    kind, content, tool = str(part.get("part_kind", "")), part.get("content"), str(part.get("tool_name") or "")
    match kind:
        case "system-prompt":
            return [_text("system", "System", content)]
        case "user-prompt":
            return [_text("user", "Input", content)]
        case "text":
            return [] if not content else [_text("assistant", "Model", content, is_markdown=True)]
        case "thinking":
            return [] if not content else [_text("system", "Thinking", content)]
        case "tool-call":
            name = "Answer" if tool == ANSWER_TOOL else f"Asks for {tool}"
            return [Said("assistant", name, arguments(part.get("args")), str(part.get("tool_call_id") or ""))]
        case "tool-return":
            return [_returned(part, tool)]
        case "retry-prompt" | "retry-feedback":
            return [_text("tool", f"Asked to correct {tool}".strip() if tool else "Asked to correct itself", content)]
        case _:
            return [Said("tool", kind or "Part", dict(part))]


def _returned(part: Mapping[str, Any], tool: str) -> Said:
    about = str(part.get("tool_call_id") or "")
    if part.get("outcome") not in (None, "success"):
        about = f"{part['outcome']} · {about}"
    name = "The answer was taken" if tool == ANSWER_TOOL else f"{tool} answers"
    content = part.get("content")
    return _text("tool", name, content, about) if isinstance(content, str) else Said("tool", name, content, about)


def _text(role: str, name: str, content: Any, about: str = "", *, is_markdown: bool = False) -> Said:
    if not isinstance(content, str):
        return Said(role, name, content, about)
    data = _as_data(content) if not is_markdown else None
    if data is not None:
        return Said(role, name, data, about)
    left = len(content) - TEXT_CHARS_MAX
    more = f"{left:,} more characters are not shown" if left > 0 else ""
    return Said(role, name, content[:TEXT_CHARS_MAX], about, is_markdown, more)


def arguments(args: Any) -> Any:
    """Return the arguments of a call as data; some providers send them as JSON text."""
    found = _as_data(args) if isinstance(args, str) else None
    return args if found is None else found


def _as_data(text: str) -> Any:
    """Return the object or list a text is, or None: an input of fields reads better as fields."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Any", found) if isinstance(found, (dict, list)) else None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object as it is, and anything else as an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
