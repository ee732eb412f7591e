"""How much money one act can move without a person, and one run can spend. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from signoff.agents.body import Body
from signoff.agents.tier.amounts import described_arguments, is_amount, words_of
from signoff.agents.tier.levels import LEVELS, Dimension, Level
from signoff.agents.tier.reachable import Reachable

# Of one act, in the currency it is in: from here on it is medium, high, critical.
ACT_FROM = (500.0, 5_000.0, 50_000.0)
# Of one run, on models, in US dollars.
RUN_USD_FROM = (10.0, 100.0, 1_000.0)


def money(body: Body, tools: Sequence[Reachable]) -> Dimension:
    """How much money is at stake: in one act that changes something, and for the models of one run."""
    acts = [_act(body, tool, *amount) for tool in tools if tool.effect != "read" for amount in _amounts(tool)]
    spend = float(body.limits.cost_usd)
    run = _level(spend, RUN_USD_FROM), f"One run may spend {spend:,.2f} US dollars on models."
    # Of equal levels the act is told: it is the nearer danger.
    level, reason = max((*acts, run), key=lambda one: LEVELS.index(one[0]))
    return Dimension("money", level, reason)


def _act(body: Body, tool: Reachable, path: str, schema: Any) -> tuple[Level, str]:
    most = min(_most(schema), _most(tool.allowed.args.get(path)))
    said = f"{tool.name} ({path})"
    if tool.asked == "with exceptions":
        most = min(most, _let_by(body, tool, path))
    if not math.isinf(most):
        worth = most / 100 if "cents" in words_of(path) else most
        text = "with a person" if tool.asked == "always" else "with no person asked"
        return _level(worth, ACT_FROM), f"One call can move up to {worth:,.0f} {text}: {said}."
    if tool.asked == "always":
        return "high", f"A call can move any amount, and a person is asked each time: {said}."
    return "critical", f"A call can move any amount with no person asked: {said}."


def _let_by(body: Body, tool: Reachable, path: str) -> float:
    """Return the largest amount that every gate lets by: a larger one is asked about."""
    gates = [one for one in body.gates if one.applies_to(tool.slot, tool.allowed.tool, tool.effect)]
    return min((_most(gate.unless.get(path)) for gate in gates if gate.unless), default=math.inf)


def _most(schema: Any) -> float:
    """Return the largest value a schema lets by; without an upper bound, infinity."""
    if not isinstance(schema, Mapping):
        return math.inf
    known = cast("Mapping[str, Any]", schema)
    bounds = [known[word] for word in ("maximum", "exclusiveMaximum", "const") if word in known]
    listed = known.get("enum")
    numbers = [float(one) for one in bounds if _is_number(one)]
    if isinstance(listed, list) and listed and all(_is_number(one) for one in cast("list[Any]", listed)):
        numbers.append(max(float(one) for one in cast("list[Any]", listed)))
    return min(numbers, default=math.inf)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _amounts(tool: Reachable) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that are amounts, as dotted paths, with what the definition says of them."""
    described = list(described_arguments(tool.facts.schema))
    yield from ((path, schema) for path, schema, is_money in described if is_money)
    known = {path for path, _, _ in described} | set(tool.arguments)
    yield from ((name, None) for name in tool.allowed.args if name not in known and is_amount(name))


def _level(value: float, bounds: tuple[float, float, float]) -> Level:
    return LEVELS[sum(value >= bound for bound in bounds)]
