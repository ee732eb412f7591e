"""How much is at stake with a revision: the one place where probes ask."""

from __future__ import annotations

from collections.abc import Mapping

from signoff.agents.body import Body
from signoff.watch.probes.evidence import Tier
from signoff.watch.probes.facts import ToolFact


def tier_for(body: Body, tools: Mapping[tuple[str, str], ToolFact]) -> Tier:
    """Return the tier by the gravest thing the revision may do: look, change, send out, or what cannot be undone."""
    effects = {tools[slot.slot, one.tool].effect for slot in body.tools for one in slot.allow
               if (slot.slot, one.tool) in tools}  # fmt: skip
    if "irreversible" in effects:
        return "high"
    return "medium" if "send" in effects else "low"
