"""A precondition: what must have come out well in this run before."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.runs.facts import RunContext


class Requires:
    """Refuses a call whose preconditions do not hold in this run, and says which."""

    name = "requires"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `deny` with what is lacking, or `allow`."""
        _, asked = call
        if not facts.rules.unmet:
            return ALLOW
        reason = f"{asked.name} may only be called after something else: {'; '.join(facts.rules.unmet)}."
        return Verdict("deny", reason, code="precondition_unmet")
