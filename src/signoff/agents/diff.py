"""What changed between two bodies: the SOP by word, everything else by field with a path people can read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from pydantic import ValidationError

from signoff.agents.body import Body
from signoff.agents.rules import Rules
from signoff.agents.sop_diff import SopLine, sop_lines
from signoff.kit.canonical import canonical_json
from signoff.kit.text import shortened

__all__ = ["FieldChange", "RevisionDiff", "SopLine", "as_json", "as_text", "diff"]

_PLAIN_NAME = re.compile(r"[\w$-]+")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs. `path` is stable: `tools.erp.post_bill.max_calls`, whatever the order of the lists."""

    path: str
    kind: Literal["added", "removed", "changed"]
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class RevisionDiff:
    """Every difference of two bodies."""

    sop_lines: tuple[SopLine, ...]
    fields: tuple[FieldChange, ...]

    @property
    def is_empty(self) -> bool:
        """Return whether the two are equal."""
        return not self.sop_lines and not self.fields

    @property
    def paths(self) -> tuple[str, ...]:
        """Return what changed, by name; the SOP is `sop`."""
        return (*(("sop",) if self.sop_lines else ()), *(field.path for field in self.fields))


def diff(
    old: Body | Mapping[str, Any] | None, new: Body | Mapping[str, Any] | None, *, context: int | None = 3
) -> RevisionDiff:
    """Return what changed from `old` to `new`. Drafts that are not valid bodies are compared as they stand.

    Args:
        old, new: None stands for nothing, as before the first revision.
        context: equal SOP lines shown around a change; None shows all.
    """
    before, after = _plain(old), _plain(new)
    lines = sop_lines(_sop(before), _sop(after), context=context)
    return RevisionDiff(lines, tuple(_field_changes(before, after)))


def as_json(found: RevisionDiff) -> dict[str, Any]:
    """Return a diff as plain JSON."""
    return {"paths": list(found.paths), **asdict(found)}


def as_text(found: RevisionDiff) -> str:
    """Return a diff for a terminal or a log, `-` for gone and `+` for come."""
    lines: list[str] = []
    for change in found.fields:
        if change.kind != "added":
            lines.append(f"- {change.path}: {shortened(canonical_json(change.old), 300)}")
        if change.kind != "removed":
            lines.append(f"+ {change.path}: {shortened(canonical_json(change.new), 300)}")
    signs = {"same": " ", "removed": "-", "added": "+"}
    lines += [
        f"  … {line.count} equal lines of the SOP" if line.kind == "skipped" else f"{signs[line.kind]} {line.text}"
        for line in found.sop_lines
    ]
    return "\n".join(lines)


def _plain(body: Body | Mapping[str, Any] | None) -> dict[str, Any]:
    if body is None:
        return {}
    if isinstance(body, Body):
        return body.plain()
    try:
        # Defaults said aloud on both sides, so that one left out is no difference.
        return Body.model_validate(dict(body)).plain()
    except ValidationError:
        return dict(body)


def _sop(plain: Mapping[str, Any]) -> str:
    sop = plain.get("sop")
    return sop if isinstance(sop, str) else ""


def _field_changes(before: dict[str, Any], after: dict[str, Any]) -> Iterator[FieldChange]:
    for field in dict.fromkeys((*before, *after)):
        was, now = before.get(field), after.get(field)
        # A SOP that is not a text has no lines to show, so it is told as a field.
        if field == "sop" and isinstance(was, str | None) and isinstance(now, str | None):
            continue
        if field == "tools":
            yield from _named_changes("tools", was, now, "slot", _slot_changes)
        elif field == "sub_agents":
            yield from _named_changes("sub_agents", was, now, "tool", _value_changes)
        elif field == "rules":
            yield from _rule_changes(was, now)
        elif field == "secrets" and _are_names(was) and _are_names(now):
            yield from _name_changes("secrets", cast("list[str]", was or []), cast("list[str]", now or []))
        else:
            yield from _value_changes(_step("", field), was, now)


def _rule_changes(was: Any, now: Any) -> Iterator[FieldChange]:
    """Compare the rules: each window and each cap that went or came, the rest field by field."""
    olds, news = _whole_rules(was), _whole_rules(now)
    if olds is None or news is None:
        yield from _value_changes("rules", was, now)
        return
    for name in ("windows", "caps"):
        old, new = olds.pop(name), news.pop(name)
        if not isinstance(old, list) or not isinstance(new, list):
            yield from _value_changes(f"rules.{name}", old, new)
            continue
        before, after = cast("list[Any]", old), cast("list[Any]", new)
        yield from (FieldChange(f"rules.{name}", "removed", one, None) for one in before if one not in after)
        yield from (FieldChange(f"rules.{name}", "added", None, one) for one in after if one not in before)
    yield from _value_changes("rules", olds, news)


def _whole_rules(said: Any) -> dict[str, Any] | None:
    """Return rules with every default said; None when they are none."""
    if not isinstance(said, dict | None):
        return None
    return {**Rules().model_dump(mode="json"), **cast("dict[str, Any]", said or {})}


def _value_changes(path: str, was: Any, now: Any) -> Iterator[FieldChange]:
    """Compare field by field as deep as both sides are objects. None stands for: not there."""
    if isinstance(was, dict) and isinstance(now, dict):
        olds, news = cast("dict[str, Any]", was), cast("dict[str, Any]", now)
        for name in dict.fromkeys((*olds, *news)):
            if (name in olds) != (name in news):
                kind = "added" if name in news else "removed"
                yield FieldChange(_step(path, name), kind, olds.get(name), news.get(name))
            else:
                yield from _value_changes(_step(path, name), olds.get(name), news.get(name))
    elif canonical_json(was) != canonical_json(now):
        kind = "added" if was is None else "removed" if now is None else "changed"
        yield FieldChange(path, kind, was, now)


_Compare = Callable[[str, dict[str, Any], dict[str, Any]], Iterator[FieldChange]]


def _named_changes(path: str, was: Any, now: Any, key: str, compare: _Compare) -> Iterator[FieldChange]:
    """Compare two lists of objects by the names in `key`; lists without proper names are compared whole."""
    olds, news = _by_name(was or [], key), _by_name(now or [], key)
    if olds is None or news is None:
        yield from _value_changes(path, was, now)
        return
    for name in dict.fromkeys((*olds, *news)):
        here = _step(path, name)
        if name not in olds:
            yield FieldChange(here, "added", None, _without(news[name], key))
        elif name not in news:
            yield FieldChange(here, "removed", _without(olds[name], key), None)
        else:
            yield from compare(here, _without(olds[name], key), _without(news[name], key))
    yield from _order_change(path, list(olds), list(news))


def _slot_changes(path: str, was: dict[str, Any], now: dict[str, Any]) -> Iterator[FieldChange]:
    yield from _named_changes(path, was.pop("allow", None), now.pop("allow", None), "tool", _value_changes)
    yield from _value_changes(path, was, now)


def _name_changes(path: str, was: list[str], now: list[str]) -> Iterator[FieldChange]:
    yield from (FieldChange(_step(path, name), "removed", name, None) for name in was if name not in now)
    yield from (FieldChange(_step(path, name), "added", None, name) for name in now if name not in was)
    yield from _order_change(path, was, now)


def _order_change(path: str, was: list[str], now: list[str]) -> Iterator[FieldChange]:
    """Say when what is on both sides stands in another order: the model reads it in that order."""
    olds, news = [name for name in was if name in now], [name for name in now if name in was]
    if olds != news:
        yield FieldChange(f"{path} (order)", "changed", olds, news)


def _without(entry: dict[str, Any], key: str) -> dict[str, Any]:
    """Return what is said about a named thing: without its name, and without what is not said."""
    said = {name: value for name, value in entry.items() if name != key and value is not None and value != {}}
    tools = said.get("allow")
    if isinstance(tools, list):
        entries = cast("list[Any]", tools)
        said["allow"] = [_without(cast("dict[str, Any]", e), "") if isinstance(e, dict) else e for e in entries]
    return said


def _by_name(value: Any, key: str) -> dict[str, dict[str, Any]] | None:
    """Return a list of objects by name; None when it is not one, or a name is missing or double."""
    if not isinstance(value, list):
        return None
    found: dict[str, dict[str, Any]] = {}
    for item in cast("list[Any]", value):
        name = cast("dict[str, Any]", item).get(key) if isinstance(item, dict) else None
        if not isinstance(name, str) or name in found:
            return None
        found[name] = cast("dict[str, Any]", item)
    return found


def _are_names(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, list):
        return False
    names = cast("list[Any]", value)
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _step(path: str, name: str) -> str:
    # A name with a dot or a space of its own is quoted, so that two fields never share a path.
    shown = name if _PLAIN_NAME.fullmatch(name) else canonical_json(name)
    return f"{path}.{shown}" if path else shown
