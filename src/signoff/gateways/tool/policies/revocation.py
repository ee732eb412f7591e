"""A run whose right to act has ended learns nothing more, not even that a tool exists."""

from __future__ import annotations

from signoff.gateways.chain import Verdict
from signoff.gateways.standing import revoked
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.runs.facts import RunContext


class Revocation:
    """Stops the run when it was cancelled, its agent or the connection was switched off, or the process replaced."""

    name = "revocation"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `stop` with the reason, or `allow`."""
        return revoked(facts.standing)
