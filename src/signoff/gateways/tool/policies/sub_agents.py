"""An agent calls another one as its revision names it: one that is there, may be started, and does not call back."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.kit.json_schemas import problems
from signoff.runs.facts import RunContext


class SubAgents:
    """Refuses a call to an agent that is not there, that whoever the run works for may not start, or that would make
    the agents go in a circle, too deep, or become too many; and one whose arguments that agent does not take."""

    name = "sub_agents"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `deny` with the reason, or `allow`."""
        _, asked = call
        found = facts.sub_agent
        if found is None:
            return ALLOW
        if found.refused is not None:
            return Verdict("deny", found.refused.reason, code=found.refused.code)
        most = found.entry.max_calls
        if most is not None and facts.same_tool_before >= most:
            return Verdict(
                "deny", f"{asked.name} may be called {most} times in a run, and was.", code="max_calls_reached"
            )
        wrong = problems(asked.args, found.target.schema) if found.target is not None else []
        if wrong:
            return Verdict("deny", "The arguments do not fit: " + "; ".join(wrong), code="bad_arguments")
        return ALLOW
