"""The model, its stand-ins, and the limits that bound it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from signoff.agents.findings import Finding
from signoff.agents.lint.facts import LintFacts
from signoff.agents.lint.parts import member, texts


def lint_model(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """Yield what is wrong with the named models and with limits that stop everything."""
    yield from _names(body, facts)
    yield from _limits(body)


def _names(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, name in _models(body):
        if name in seen:
            text = f"{name} is named twice; falling back to it changes nothing."
            yield Finding("fallback_repeated", "warning", path, None, text, "Name another model, or remove it.")
            continue
        seen.add(name)
        if facts.known_model(name) is False:
            text = f"No provider here serves {name}."
            fix = "Check the spelling; a provider needs its key or address in the operator's settings."
            yield Finding("unknown_model", "error", path, None, text, fix)
        elif facts.has_price(name) is False:
            text = f"The price of {name} is not known, so its cost cannot be counted or limited."
            yield Finding("price_unknown", "warning", path, None, text, "Enter its price in the workspace's budgets.")


def _models(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    model = body.get("model")
    name = member(model, "name")
    if isinstance(name, str) and ":" in name:
        yield "model.name", name
    for index, fallback in texts(member(model, "fallbacks")):
        if ":" in fallback:
            yield f"model.fallbacks[{index}]", fallback


def _limits(body: dict[str, Any]) -> Iterator[Finding]:
    limits = body.get("limits")
    if member(limits, "tool_calls") == 0 and body.get("tools"):
        text = "The agent has tools, and no run may call any."
        yield Finding("limit_zero", "warning", "limits.tool_calls", None, text, "Raise the limit, or remove the tools.")
    if str(member(limits, "cost_usd")) in ("0", "0.0", "0.00"):
        text = "A run may cost nothing, so only a model without a price can answer."
        yield Finding("limit_zero", "warning", "limits.cost_usd", None, text, "Raise the limit.")
