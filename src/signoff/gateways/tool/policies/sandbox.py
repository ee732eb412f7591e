"""A rehearsal: reading is real, everything else is recorded and not sent."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.runs.facts import RunContext


class Sandbox:
    """Answers every call that is not a read with a simulated result."""

    name = "sandbox"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `simulate` with what the model is told, or `allow`."""
        run, asked = call
        if run.mode != "sandbox" or facts.is_read:
            return ALLOW
        return Verdict(
            "simulate",
            f"This run is a rehearsal: {asked.name} was recorded and not sent.",
            value={"status": "accepted", "is_simulated": True, "note": "Recorded in a rehearsal, not carried out."},
            code="simulated",
        )
