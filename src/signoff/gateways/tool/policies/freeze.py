""" "Stop writing, now": for one agent, one connection, or everything."""

from __future__ import annotations

from signoff.freezes.queries import Freeze as Standing
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
        return ALLOW if facts.is_read else frozen(facts.freeze)


def frozen(freeze: Standing | None) -> Verdict:
    """Return `deny` with who froze it and why, or `allow`: what a freeze says to a write."""
    if freeze is None:
        return ALLOW
    return Verdict(
        "deny",
        f"{_WHAT[freeze.scope]} is frozen: nothing is written until {freeze.ordered_by_name} or another manager "
        f"lifts it. The reason given: {freeze.reason}",
        code="frozen",
    )
