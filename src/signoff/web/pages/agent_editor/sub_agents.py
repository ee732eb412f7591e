"""The sub-agents of a draft as rows of the form, and back. One empty row more is for the next one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from signoff.agents.sub_agents import SUB_AGENTS_MAX
from signoff.web.forms import Form, json_text

# What a row shows of an entry; everything else of it stays.
NAMES = ("agent", "tool", "revision", "max_calls", "description")
_NUMBERS = ("revision", "max_calls")
_DIGITS_MAX = 9


@dataclass(frozen=True, slots=True)
class SubAgentRow:
    """One row; every value as the text a person edits. `options`: whom it may name."""

    number: int
    is_new: bool
    values: Mapping[str, str]
    options: tuple[tuple[str, str], ...]


def rows_of(entries: Any, agents: Iterable[str], own: str) -> tuple[SubAgentRow, ...] | None:
    """Return the rows of a draft's sub-agents; None when they have no shape a form can show."""
    found = well_formed(entries)
    if found is None:
        return None
    others = sorted(set(agents) - {own})
    shown = [*found, *([{}] if len(found) < SUB_AGENTS_MAX else [])]
    return tuple(_row(number, entry, number == len(found), others) for number, entry in enumerate(shown))


def well_formed(entries: Any) -> list[dict[str, Any]] | None:
    """Return the entries when each can be a row."""
    if entries is None:
        return []
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in cast("list[Any]", entries)):
        return None
    return cast("list[dict[str, Any]]", entries)


def _row(number: int, entry: Mapping[str, Any], is_new: bool, others: list[str]) -> SubAgentRow:
    values = {name: _text(entry.get(name)) for name in NAMES}
    named = values["agent"]
    slugs = others if named in ("", *others) else [named, *others]
    options = (("", "Choose one" if is_new else "None"), *((slug, slug) for slug in slugs))
    return SubAgentRow(number, is_new, values, options)


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json_text(value)


def entries_from(form: Form, before: Any) -> list[dict[str, Any]]:
    """Return the sub-agents that the rows say. A row that is taken out, or in which nothing is said, is none."""
    old = well_formed(before) or []
    found: list[dict[str, Any]] = []
    for number in range(SUB_AGENTS_MAX):
        texts = {name: form.text(f"sub-{name}.{number}").strip() for name in NAMES}
        if not any(texts.values()) or str(number) in form.texts("sub-drop"):
            continue
        entry = dict(old[number]) if number < len(old) else {}
        for name, text in texts.items():
            if text == _text(entry.get(name)).strip():
                continue  # As it was, whatever its type.
            if text:
                entry[name] = _number(text) if name in _NUMBERS else text
            else:
                entry.pop(name, None)
        found.append(entry)
    return found


def _number(text: str) -> int | str:
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX
    return int(text) if is_number else text
