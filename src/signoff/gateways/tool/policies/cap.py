"""At most so many calls in each run, minute, hour, day or week."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.caps import CapState
from signoff.gateways.tool.facts import ToolFacts
from signoff.runs.facts import RunContext

VOLUME_CAP = "volume_cap"


class Cap:
    """Refuses the call for which a cap has no place left. The place itself is taken when the step begins."""

    name = "cap"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `deny` with how many calls were let by, or `allow`."""
        full = next((cap for cap in facts.rules.caps if cap.is_full), None)
        return ALLOW if full is None else capped(full)


def capped(cap: CapState) -> Verdict:
    """Return what a full cap says."""
    evidence = {"most": cap.most, "per": cap.per, "count": cap.used, "ends_at": cap.ends_at.isoformat()}
    return Verdict("deny", f"Volume cap active — {cap.used} records processed.", code=VOLUME_CAP, value=evidence)
