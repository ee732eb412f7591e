"""A run has the memory its revision and whoever it works for give it; a test keeps nothing."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.gateways.tool.holding import never_asks
from signoff.memories.places import NoMemory
from signoff.runs.facts import RunContext


class Memory:
    """Refuses a call to a memory the run does not have, with why, and answers what a test would keep as if it were."""

    name = "memory"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `deny` where there is no memory, `simulate` for a write of a test, else `allow`."""
        run, asked = call
        if facts.memory is None:
            return ALLOW
        if isinstance(facts.memory.place, NoMemory):
            return Verdict("deny", facts.memory.place.reason, code=facts.memory.place.code)
        if not facts.is_read and never_asks(run, facts):
            return Verdict(
                "simulate",
                f"This run is a test: {asked.name} was recorded, and nothing was kept or erased.",
                value={"status": "accepted", "is_simulated": True, "note": "Recorded in a test, not carried out."},
                code="simulated",
            )
        return ALLOW
