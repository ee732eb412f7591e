""" "Stop writing, now": for one agent, one connection, or everything."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.runs.facts import RunContext

_WHAT = {"agent": "This agent", "connection": "This connection", "workspace": "Everything in this workspace"}


class Freeze:
    """Refuses everything but reads while a freeze stands. The model is told, and may go on reading."""

    name = "freeze"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `deny` with who froze it and why, or `allow`."""
        freeze = facts.freeze
        if freeze is None or facts.is_read:
            return ALLOW
        return Verdict(
            "deny",
            f"{_WHAT[freeze.scope]} is frozen: nothing is written until {freeze.ordered_by_name} or another manager "
            f"lifts it. The reason given: {freeze.reason}",
            code="frozen",
        )
