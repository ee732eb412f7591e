"""The risk tier of a revision: five dimensions, four levels, the highest wins. Pure.

Computed from what a revision can do, never from what somebody says of it; a declared tier may raise it.
`docs/explanation/risk-tier.md` has the scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from signoff.agents.body import Body
from signoff.agents.lint.facts import ToolFacts
from signoff.agents.tier.dimensions import autonomy, data, effects, reach
from signoff.agents.tier.levels import DIMENSIONS, LEVELS, Dimension, Level, Tier, highest
from signoff.agents.tier.money import money
from signoff.agents.tier.reachable import reachable

__all__ = ["DIMENSIONS", "LEVELS", "Dimension", "Level", "Tier", "tier_of"]


def tier_of(
    body: Body,
    tools: Mapping[tuple[str, str], ToolFacts],
    declared: Level | None = None,
    sub_agents: Sequence[tuple[str, Tier]] = (),
) -> Tier:
    """Return the risk tier of a body.

    Args:
        tools: (slot, tool) → its class of effect, arguments and labels where it is to serve. One that is not there
            counts as irreversible, private and addressed to anybody.
        declared: what somebody says it is; it may raise the tier and never lower it.
        sub_agents: slug and tier of each agent it may call: what they can do, it can have done.
    """
    known = reachable(body, tools)
    dimensions = (effects(known), reach(known), money(body, known), data(body, known), autonomy(known))
    dimensions = tuple(_with(own, sub_agents) for own in dimensions)
    computed = highest(one.level for one in dimensions)
    return Tier(highest((computed, declared or computed)), computed, dimensions, declared)


def _with(own: Dimension, sub_agents: Sequence[tuple[str, Tier]]) -> Dimension:
    """Return a dimension as high as the highest among the agents that are called."""
    for slug, tier in sub_agents:
        for theirs in tier.dimensions:
            if theirs.name == own.name and LEVELS.index(theirs.level) > LEVELS.index(own.level):
                own = Dimension(own.name, theirs.level, f"Its sub-agent {slug}: {theirs.reason}")
    return own
