"""An agent's own rules, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from signoff.agents.body import AllowedTool, Body
from signoff.agents.rules import Cap, Scoped, ValueRule, Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = {
    "mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
    "sun": "Sunday",
}  # fmt: skip
_EFFECTS = {"read": "read", "write": "write", "send": "send", "irreversible": "cannot be undone"}
_KINDS = {"exact": "", "email": "the address ", "domain": "the domain ", "path": "below "}
_SHOWN = 5


def rules_in_words(body: Body) -> list[str]:
    """Return what bounds the calls of this body, a sentence for each rule."""
    said = [window_in_words(one) for one in body.rules.windows]
    said += [cap_in_words(one) for one in body.rules.caps]
    for slot in body.tools:
        for tool in slot.allow:
            said += _tool_in_words(f"{slot.slot}.{tool.tool}", tool)
    return said


def window_in_words(window: Window) -> str:
    """Return a window as a sentence."""
    closes = f"{window.closes} of the next day" if window.closes < window.opens else window.closes
    zone = window.zone or "the workspace's time zone"
    days = _listed([_NAMES[one] for one in _DAYS if one in window.days]) if len(window.days) < 7 else "every day"
    if list(window.days) == list(_DAYS[:5]):
        days = "Monday to Friday"
    closed = f", never on {_count(len(window.holidays), 'holiday')}" if window.holidays else ""
    return f"{_what(window)} only {days}, {window.opens} to {closes} ({zone}){closed}; what comes outside waits."


def cap_in_words(cap: Cap) -> str:
    """Return a cap as a sentence."""
    until = f", until {cap.until:%d %B %Y}" if cap.until else ""
    times = {0: "never", 1: "once", 2: "twice"}.get(cap.most, f"at most {cap.most:,} times")
    return f"{_what(cap)} {times} a {cap.per}{until}."


def change_in_words(value: Any, path: str) -> str:
    """Return one side of a difference of rules as a sentence; empty for what is no rule."""
    if not isinstance(value, dict):
        return ""
    try:
        if path == "rules.windows":
            return window_in_words(Window.model_validate(value))
        if path == "rules.caps":
            return cap_in_words(Cap.model_validate(value))
    except ValidationError:
        return ""
    return ""


def _tool_in_words(name: str, tool: AllowedTool) -> list[str]:
    said = [f"{name}: {path} {_values(rule)}." for path, rule in sorted(tool.values.items())]
    for one in tool.requires:
        fields = f", with a {_listed(sorted(one.result))} that fits" if one.result else ""
        ties = f", for the same {_listed(sorted(one.same))}" if one.same else ""
        said.append(f"{name} only after {one.tool} has succeeded in the run{fields}{ties}.")
    return said


def _values(rule: ValueRule) -> str:
    kind = _KINDS[rule.kind]
    parts: list[str] = []
    if rule.allow is not None:
        parts.append(f"only {kind}{_some(rule.allow)}" if rule.allow else "nothing at all")
    if rule.deny:
        parts.append(f"never {kind}{_some(rule.deny)}")
    return ", ".join(parts) or "anything"


def _what(rule: Scoped) -> str:
    parts = [f"calls of {_listed(rule.tools)}"] if rule.tools else []
    if rule.effects:
        parts.append(f"calls that {' or '.join(_EFFECTS[one] for one in rule.effects)}")
    text = " and ".join(parts) or "calls that change something outside"
    return f"{text[:1].upper()}{text[1:]} are made"


def _some(values: Sequence[str]) -> str:
    shown = ", ".join(values[:_SHOWN])
    return f"{shown} and {len(values) - _SHOWN:,} more" if len(values) > _SHOWN else shown


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else "".join(words)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
