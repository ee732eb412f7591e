"""The same call with the same arguments again and again is not work."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.runs.facts import RunContext

FLAGGED_AT = 3


class Loop:
    """Flags the third equal call on its step, and stops the run at `limits.same_call`."""

    name = "loop"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `stop` at the limit, `allow` with a remark from the third on, or `allow`."""
        run, asked = call
        number = facts.same_call_before + 1
        if number >= run.body.limits.same_call:
            return Verdict(
                "stop",
                f"The agent called {asked.name} {number} times with the same arguments (limits.same_call is "
                f"{run.body.limits.same_call}). It goes in a circle; read its steps and its instructions.",
                code="loop",
            )
        if number >= FLAGGED_AT:
            return Verdict("allow", f"This is call number {number} with the same arguments.", code="repeated_call")
        return ALLOW
