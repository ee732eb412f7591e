"""The tools: do they exist, are they named once, is nothing loosened, do the argument rules apply to anything?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from signoff.agents.body import EFFECTS
from signoff.agents.findings import Finding
from signoff.agents.lint.facts import LintFacts, ToolFacts
from signoff.agents.lint.parts import AllowedTool, allowed_tools, member, objects
from signoff.agents.lint.results import bad_schema
from signoff.kit.text import nearest


def lint_tools(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """Yield what is wrong with the slots and their allow-lists."""
    yield from _slots(body, facts)
    yield from _doubles(body)
    for allowed in allowed_tools(body):
        yield from _argument_schemas(allowed)
        slot = None if facts.slots is None else facts.slots.get(allowed.slot)
        if slot is not None:
            yield from _tool(allowed, slot)


def _tool(allowed: AllowedTool, slot: Mapping[str, ToolFacts]) -> Iterator[Finding]:
    tool = slot.get(allowed.tool)
    if tool is None:
        text = f"The connection {allowed.slot} offers no tool {allowed.tool}.{nearest(allowed.tool, slot)}"
        fix = "Correct the name, or discover the connection's tools again."
        yield Finding("unknown_tool", "error", f"{allowed.path}.tool", None, text, fix)
        return
    yield from _state(allowed, tool)
    yield from _effect(allowed, tool)
    yield from _arguments(allowed, tool)


def _slots(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    for index, slot in objects(body.get("tools")):
        name, path = slot.get("slot"), f"tools[{index}].slot"
        if slot.get("allow") == []:
            text = "The slot allows no tool, so the agent has none of it."
            yield Finding("slot_empty", "warning", f"tools[{index}].allow", None, text, "Allow a tool, or remove it.")
        if not isinstance(name, str) or facts.slots is None:
            continue
        if name not in facts.slots:
            text = f"No environment has a connection {name}.{nearest(name, facts.slots)}"
            fix = "Make the connection, or name one that exists."
            yield Finding("unknown_slot", "error", path, None, text, fix)
        elif missing := facts.slots_missing.get(name):
            text = f"{' and '.join(missing)}: there is no connection {name}. A run there cannot use its tools."
            yield Finding("slot_unbound", "warning", path, None, text, "Make the connection there before serving it.")


def _doubles(body: dict[str, Any]) -> Iterator[Finding]:
    slots: set[str] = set()
    for index, slot in objects(body.get("tools")):
        name = slot.get("slot")
        if isinstance(name, str) and name in slots:
            text = f"The slot {name} is listed twice."
            yield Finding("duplicate_slot", "error", f"tools[{index}].slot", None, text, "Put its tools in one list.")
        if isinstance(name, str):
            slots.add(name)
        tools: set[str] = set()
        for position, entry in objects(slot.get("allow")):
            tool = entry.get("tool")
            if isinstance(tool, str) and tool in tools:
                path = f"tools[{index}].allow[{position}].tool"
                yield Finding("duplicate_tool", "error", path, None, f"{tool} is allowed twice.", "Keep one of them.")
            if isinstance(tool, str):
                tools.add(tool)


def _argument_schemas(allowed: AllowedTool) -> Iterator[Finding]:
    rules = allowed.entry.get("args")
    if isinstance(rules, dict):
        for name, schema in cast("dict[str, Any]", rules).items():
            if isinstance(schema, dict):
                yield from bad_schema(f"{allowed.path}.args.{name}", cast("dict[str, Any]", schema))


def _state(allowed: AllowedTool, tool: ToolFacts) -> Iterator[Finding]:
    path, name = f"{allowed.path}.tool", f"{allowed.slot}.{allowed.tool}"
    if tool.state == "changed":
        text = f"{name} is no longer what was accepted; calls to it are refused."
        yield Finding("tool_changed", "warning", path, None, text, "Look at the change there, then accept it.")
    elif tool.state == "removed":
        text = f"{allowed.slot} no longer offers {allowed.tool}; calls to it are refused."
        yield Finding("tool_removed", "warning", path, None, text, "Remove it from the list, or restore it there.")
    elif tool.state == "new":
        text = f"{name} was discovered and nobody has accepted it yet; calls to it are refused."
        yield Finding("tool_not_accepted", "warning", path, None, text, "Accept it on the connection.")


def _effect(allowed: AllowedTool, tool: ToolFacts) -> Iterator[Finding]:
    effect = allowed.entry.get("effect")
    if effect in EFFECTS and tool.effect in EFFECTS and EFFECTS.index(effect) < EFFECTS.index(tool.effect):
        text = f"The connection says {allowed.tool} is {tool.effect}; {effect} would loosen that."
        fix = f"Leave effect out, or choose {tool.effect} or stricter. Only the connection itself can loosen it."
        yield Finding("effect_loosened", "error", f"{allowed.path}.effect", None, text, fix)


def _arguments(allowed: AllowedTool, tool: ToolFacts) -> Iterator[Finding]:
    rules, known = allowed.entry.get("args"), member(tool.schema, "properties")
    if not isinstance(rules, dict) or not isinstance(known, dict):
        return
    names = cast("dict[str, Any]", known)
    for name in cast("dict[str, Any]", rules):
        if name not in names:
            text = f"{allowed.tool} has no argument {name}, so this rule protects nothing.{nearest(name, names)}"
            path = f"{allowed.path}.args.{name}"
            yield Finding("args_constraint_unknown_argument", "error", path, None, text, "Correct the name.")
