"""The agent's own rules: windows that open, lists that mean something, preconditions that can be met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from signoff.agents.findings import Finding
from signoff.agents.lint.facts import LintFacts
from signoff.agents.lint.parts import AllowedTool, allowed_tools, member, objects, sub_agent_tools
from signoff.agents.lint.results import bad_schema
from signoff.agents.openings import HORIZON_DAYS, next_opening, zone_named
from signoff.agents.part import EFFECTS, Effect
from signoff.agents.rules import ValueRule, Window
from signoff.agents.values import is_readable
from signoff.kit import clock
from signoff.kit.text import nearest, shortened

_ENTRIES = {"email": "one mail address", "domain": "a domain", "path": "a path", "exact": "a text"}


def lint_rules(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """Yield what is wrong with windows, caps, lists of values and preconditions."""
    tools = list(allowed_tools(body))
    named = {f"{one.slot}.{one.tool}" for one in tools}
    rules = body.get("rules")
    yield from _scopes(rules, named | {*sub_agent_tools(body)})
    yield from _windows(member(rules, "windows"), tools, facts)
    for allowed in tools:
        yield from _values(allowed, facts)
        yield from _requires(allowed, named, facts)
    yield from _circles(tools)


def _scopes(rules: Any, named: set[str]) -> Iterator[Finding]:
    slots = {f"{name.partition('.')[0]}.*" for name in named if "." in name}
    for field in ("windows", "caps"):
        for index, rule in objects(member(rules, field)):
            names = rule.get("tools")
            for name in cast("list[Any]", names) if isinstance(names, list) else []:
                if isinstance(name, str) and name not in named | slots:
                    text = f"The agent has no tool {shortened(name, 80)}, so this rule does not hold for it."
                    path = f"rules.{field}[{index}].tools"
                    fix = f"Write slot.tool, or slot.*.{nearest(name, sorted(named))}"
                    yield Finding("rule_unknown_tool", "error", path, None, text, fix)


def _windows(windows: Any, tools: list[AllowedTool], facts: LintFacts) -> Iterator[Finding]:
    whole: list[tuple[Window, ZoneInfo]] = []
    for index, plain in objects(windows):
        window, path = _window(plain), f"rules.windows[{index}]"
        zone = zone_named(plain["zone"]) if isinstance(plain.get("zone"), str) else ZoneInfo("UTC")
        if zone is None:
            text, fix = "There is no such time zone.", "Write it like Europe/Berlin or America/New_York."
            yield Finding("unknown_zone", "error", f"{path}.zone", None, text, fix)
        elif window is not None and (window.opens == window.closes or window.opens == "24:00"):
            text = f"A window from {window.opens} to {window.closes} says nothing."
            fix = "For a whole day write 00:00 to 24:00; a night may end on the next day, 22:00 to 06:00."
            yield Finding("window_empty", "error", f"{path}.opens", None, text, fix)
        elif window is not None and next_opening([(window, zone)], clock.now()) is None:
            yield _never(path, "This window does not open")
        elif window is not None:
            whole.append((window, zone))
    for allowed in tools:
        effect = _effect(allowed, facts)
        met = [pair for pair in whole if pair[0].applies_to(allowed.slot, allowed.tool, effect)]
        if len(met) > 1 and next_opening(met, clock.now()) is None:
            name = f"{allowed.slot}.{allowed.tool}"
            yield _never("rules.windows", f"The windows that hold for {name} are not open together")


def _window(plain: dict[str, Any]) -> Window | None:
    try:
        return Window.model_validate(plain)
    except ValidationError:
        return None


def _never(path: str, what: str) -> Finding:
    text = f"{what} within {HORIZON_DAYS} days, so its calls would never be made."
    return Finding("window_never_opens", "error", path, None, text, "Open it on some day, or remove it.")


def _effect(allowed: AllowedTool, facts: LintFacts) -> Effect:
    known = (facts.slots or {}).get(allowed.slot, {}).get(allowed.tool)
    said = (allowed.entry.get("effect"), known.effect if known else None)
    # The gravest that anybody says; the gravest there is when nobody does.
    return EFFECTS[max((EFFECTS.index(one) for one in said if one in EFFECTS), default=-1)]


def _values(allowed: AllowedTool, facts: LintFacts) -> Iterator[Finding]:
    for name, plain in _members(allowed.entry.get("values")):
        path = f"{allowed.path}.values.{name}"
        yield from _argument(allowed, name, path, facts)
        try:
            rule = ValueRule.model_validate(plain)
        except ValidationError:
            continue
        if rule.allow is None and not rule.deny:
            text = f"The list for {shortened(name, 80)} neither allows nor denies anything."
            yield Finding("values_empty", "warning", path, None, text, "Say what is allowed, or remove it.")
        for entry in [*(rule.allow or []), *rule.deny]:
            if not is_readable(rule, entry):
                text = f"{shortened(entry, 80)} is not {_ENTRIES[rule.kind]}, so nothing can be compared with it."
                yield Finding("values_unreadable", "error", path, None, text, "Correct the entry, or its kind.")


def _requires(allowed: AllowedTool, named: set[str], facts: LintFacts) -> Iterator[Finding]:
    for index, plain in objects(allowed.entry.get("requires")):
        path, tool = f"{allowed.path}.requires[{index}]", plain.get("tool")
        if isinstance(tool, str) and tool not in named:
            text = f"The agent has no tool {shortened(tool, 80)}, so this precondition is never met."
            fix = f"Allow it as well, or correct the name.{nearest(tool, sorted(named))}"
            yield Finding("requires_unknown_tool", "error", f"{path}.tool", None, text, fix)
        for field, schema in _members(plain.get("result")):
            if isinstance(schema, dict):
                yield from bad_schema(f"{path}.result.{field}", cast("dict[str, Any]", schema))
        for argument, _ in _members(plain.get("same")):
            yield from _argument(allowed, argument, f"{path}.same.{argument}", facts)


def _circles(tools: list[AllowedTool]) -> Iterator[Finding]:
    """Yield the tools that can never be called, because each waits for another one that waits for it."""
    wanted = {
        f"{one.slot}.{one.tool}": {str(plain.get("tool")) for _, plain in objects(one.entry.get("requires"))}
        for one in tools
    }
    free: set[str] = set()
    while True:
        more = {name for name, before in wanted.items() if name not in free and before & set(wanted) <= free}
        if not more:
            break
        free |= more
    for one in tools:
        name = f"{one.slot}.{one.tool}"
        if name not in free:
            text = f"{name} can never be called: what it requires requires it, or cannot be called either."
            yield Finding("requires_circle", "error", f"{one.path}.requires", None, text, "Break the circle.")


def _argument(allowed: AllowedTool, name: str, path: str, facts: LintFacts) -> Iterator[Finding]:
    known = (facts.slots or {}).get(allowed.slot, {}).get(allowed.tool)
    there = member(known.schema, "properties") if known else None
    if isinstance(there, dict) and name not in there and name.partition(".")[0] not in there:
        text = f"{allowed.tool} has no argument {shortened(name, 80)}, so this rule protects nothing."
        fix = f"Correct the name.{nearest(name, cast('dict[str, Any]', there))}"
        yield Finding("rule_unknown_argument", "error", path, None, text, fix)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from cast("Mapping[str, Any]", value).items()
