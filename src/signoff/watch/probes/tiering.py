"""How much is at stake with a revision: the one place where probes ask."""

from __future__ import annotations

from collections.abc import Mapping

from signoff.agents.body import Body
from signoff.watch.probes.evidence import Tier
from signoff.watch.probes.facts import ToolFact


def tier_for(body: Body, tools: Mapping[tuple[str, str], ToolFact]) -> Tier:
    """Return the tier by the gravest thing the revision may do where it is to serve."""
    named = [(slot.slot, one.tool) for slot in body.tools for one in slot.allow]
    effects = {tools[name].effect for name in named if name in tools}
    if "irreversible" in effects:
        return "critical"
    return "high" if "send" in effects else "low"
