"""How what a candidate would have done differs from what was done: status, output, calls. Pure, and bounded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, cast

from signoff.kit.canonical import canonical_json
from signoff.kit.text import shortened

FIELDS_MAX = 50
CALLS_MAX = 20
LINES_MAX = 120
NAMED_MAX = 20
VALUE_CHARS = 500
_LINE_CHARS = 300
# Beyond this, a comparison line by line costs more than it tells.
_COMPARED_LINES = 400
_DEPTH_MAX = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run, as far as it is compared. `calls`: tool and arguments of each call it made or wanted made."""

    status: str
    output: Any
    calls: Sequence[tuple[str, Any]]
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Plain JSON: `status`, `output` and `calls` where they differ, and `named`, the differences in a few words."""

    is_equal: bool
    differences: dict[str, Any]


def compare(original: Outcome, shadow: Outcome) -> Comparison:
    """Return what differs. The order of calls does not count: calls beside each other have none."""
    found: dict[str, Any] = {}
    named: list[str] = []
    if original.status != shadow.status:
        found["status"] = {
            "was": original.status, "would_be": shadow.status, "code": shadow.code,
            "reason": shortened(shadow.reason or "", VALUE_CHARS),
        }  # fmt: skip
        named.append(f"status: {original.status}, would be {shadow.status}")
    if original.status == shadow.status and (output := _output(original.output, shadow.output)):
        found["output"] = output
        named += [f"output {one['path']}".rstrip() for one in output["fields"]]
    if calls := _calls(original.calls, shadow.calls):
        found["calls"] = calls
        named += [f"no more: {one['tool']}" for one in calls["only_original"]]
        named += [f"new: {one['tool']}" for one in calls["only_shadow"]]
    if named:
        found["named"] = list(dict.fromkeys(named))[:NAMED_MAX]
    return Comparison(not found, found)


def _output(was: Any, would_be: Any) -> dict[str, Any] | None:
    before, after = dict(_leaves(was)), dict(_leaves(would_be))
    paths = [*before, *(path for path in after if path not in before)]
    differ = [path for path in paths if before.get(path, _NOTHING) != after.get(path, _NOTHING)]
    if not differ:
        return None
    shown = [_field(path, before.get(path), after.get(path)) for path in differ[:FIELDS_MAX]]
    return {"fields": shown, "left_out": max(len(differ) - FIELDS_MAX, 0)}


_NOTHING = object()


def _leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (path, canonical JSON) of everything that has no parts of its own."""
    if depth < _DEPTH_MAX and isinstance(value, Mapping) and value:
        for name, part in cast("Mapping[str, Any]", value).items():
            yield from _leaves(part, f"{path}.{name}" if path else str(name), depth + 1)
    elif depth < _DEPTH_MAX and isinstance(value, list) and value:
        for number, part in enumerate(cast("list[Any]", value)):
            yield from _leaves(part, f"{path}[{number}]", depth + 1)
    else:
        yield path, _json(value)


def _json(value: Any) -> str:
    """Return a value as one text; 1 and 1.0 are the same number, as JSON has it."""
    return canonical_json(_with_whole_numbers(value))


def _with_whole_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _with_whole_numbers(part) for name, part in cast("dict[str, Any]", value).items()}
    return [_with_whole_numbers(part) for part in cast("list[Any]", value)] if isinstance(value, list) else value


def _field(path: str, was: str | None, would_be: str | None) -> dict[str, Any]:
    field: dict[str, Any] = {"path": shortened(path, 200), "was": _shown(was), "would_be": _shown(would_be)}
    before, after = _text(was), _text(would_be)
    if before is not None and after is not None and ("\n" in before or "\n" in after):
        field["diff"] = text_diff(before, after)
    return field


def _shown(kept: str | None) -> str | None:
    """Return a leaf for people: text without its quotes."""
    if kept is None:
        return None
    text = _text(kept)
    return shortened(kept if text is None else text, VALUE_CHARS)


def _text(kept: str | None) -> str | None:
    found = json.loads(kept) if kept is not None and kept.startswith('"') else None
    return found if isinstance(found, str) else None


def text_diff(was: str, would_be: str) -> list[str]:
    """Return a unified diff of two texts, without its head; of long ones the beginning."""
    before, after = was.splitlines()[:_COMPARED_LINES], would_be.splitlines()[:_COMPARED_LINES]
    lines = [line for line in unified_diff(before, after, lineterm="", n=2) if not line.startswith(("---", "+++"))]
    return [shortened(line, _LINE_CHARS) for line in lines[:LINES_MAX]]


def _calls(was: Sequence[tuple[str, Any]], would_be: Sequence[tuple[str, Any]]) -> dict[str, Any] | None:
    before = Counter((tool, _json(args)) for tool, args in was)
    after = Counter((tool, _json(args)) for tool, args in would_be)
    gone, new = before - after, after - before
    if not gone and not new:
        return None
    return {
        "only_original": _listed(gone),
        "only_shadow": _listed(new),
        "left_out": max(len(gone) - CALLS_MAX, 0) + max(len(new) - CALLS_MAX, 0),
    }


def _listed(calls: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"tool": tool, "args": shortened(args, VALUE_CHARS), "times": times}
        for (tool, args), times in sorted(calls.items())[:CALLS_MAX]
    ]
