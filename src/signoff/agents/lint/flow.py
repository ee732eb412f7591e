"""What flows through the tools: labels that would loosen, targets that no tool has, approvals that cannot apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from signoff.agents.findings import Finding
from signoff.agents.lint.facts import LintFacts, ToolFacts
from signoff.agents.lint.parts import AllowedTool, allowed_tools, member
from signoff.connections.labels import CONFIDENTIALITIES, RESULT_LABELS
from signoff.kit.text import nearest


def lint_flow(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """Yield what is wrong with what a body says about labels."""
    for allowed in allowed_tools(body):
        slot = None if facts.slots is None else facts.slots.get(allowed.slot)
        tool = slot.get(allowed.tool) if slot is not None else None
        labels = allowed.entry.get("labels")
        if tool is not None and isinstance(labels, dict):
            yield from _labels(allowed, tool, cast("dict[str, Any]", labels))
        if allowed.entry.get("preapproved") is True:
            yield from _preapproved(allowed, tool, member(body, "sop"))


def _labels(allowed: AllowedTool, tool: ToolFacts, labels: Mapping[str, Any]) -> Iterator[Finding]:
    path = f"{allowed.path}.labels"
    orders = (("result", RESULT_LABELS, tool.labels.result),
              ("confidentiality", CONFIDENTIALITIES, tool.labels.confidentiality))  # fmt: skip
    for name, order, of_tool in orders:
        own = labels.get(name)
        if own in order and order.index(own) < order.index(of_tool):
            text = f"The connection says that {name} of {allowed.tool} is {of_tool}; {own} would loosen that."
            fix = f"Leave it out, or choose {of_tool} or stricter. Only the connection itself can loosen it."
            yield Finding("labels_loosened", "error", f"{path}.{name}", None, text, fix)
    sinks = labels.get("sinks")
    if not isinstance(sinks, list):
        return
    names = [name for name in cast("list[Any]", sinks) if isinstance(name, str)]
    yield from _sinks(allowed, tool, names, f"{path}.sinks")


def _sinks(allowed: AllowedTool, tool: ToolFacts, names: list[str], path: str) -> Iterator[Finding]:
    known = member(tool.schema, "properties")
    arguments = cast("dict[str, Any]", known) if isinstance(known, dict) else None
    for name in names:
        if arguments is not None and name.split(".", 1)[0] not in arguments:
            text = f"{allowed.tool} has no argument {name}, so it cannot choose the target.{nearest(name, arguments)}"
            yield Finding("sink_unknown_argument", "error", path, None, text, "Correct the name.")
    said = "every argument may choose the target" if tool.labels.sinks is None else ", ".join(tool.labels.sinks)
    missing = tool.labels.sinks is None or [name for name in tool.labels.sinks if name not in names]
    if missing:
        text = f"The connection says of {allowed.tool}: {said}. These sinks add to that, and take nothing away."
        yield Finding("labels_loosened", "warning", path, None, text, "Say on the connection what chooses the target.")


def _preapproved(allowed: AllowedTool, tool: ToolFacts | None, sop: Any) -> Iterator[Finding]:
    path = f"{allowed.path}.preapproved"
    if tool is not None and allowed.entry.get("effect") != "irreversible" and tool.effect != "irreversible":
        text = f"{allowed.tool} is {tool.effect}; approval beforehand is for what cannot be undone."
        yield Finding("preapproved_without_effect", "info", path, None, text, "Remove it.")
    elif not sop and not allowed.entry.get("args") and not allowed.entry.get("values"):
        text = f"Nothing in the revision names a target for {allowed.tool}, so each call is asked about all the same."
        yield Finding("preapproved_nowhere", "warning", path, None, text, "Name the target in the SOP or its limits.")
