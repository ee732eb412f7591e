"""An argument has the values its list allows: recipients, domains, accounts, folders."""

from __future__ import annotations

from signoff.agents.values import value_problems
from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.gateways.tool.header_lines import header_problems
from signoff.runs.facts import RunContext


class Values:
    """Refuses a value that is not on the list, or is on the other one; what cannot be compared is refused too.

    So is a line break in a subject, a recipient or another header, whatever the lists say.
    """

    name = "values"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `deny` with every reason at once, or `allow`."""
        _, asked = call
        rules = facts.allowed.values if facts.allowed else {}
        wrong = [problem for path, rule in rules.items() for problem in value_problems(asked.args, path, rule)]
        if not facts.is_read:
            wrong += header_problems(asked.args)
        if wrong:
            return Verdict("deny", "This agent may not do that: " + "; ".join(wrong[:20]), code="value_not_allowed")
        return ALLOW
