"""How many tool calls one run may make."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.runs.facts import RunContext


class Budget:
    """Stops the run that has made all its tool calls."""

    name = "budget"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `stop` at `limits.tool_calls`, or `allow`."""
        run, _ = call
        most = run.body.limits.tool_calls
        if facts.calls_before >= most:
            return Verdict(
                "stop", f"The run has made its {most} tool calls (limits.tool_calls).", code="tool_calls_exceeded"
            )
        return ALLOW
