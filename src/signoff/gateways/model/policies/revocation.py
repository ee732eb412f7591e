"""A run whose right to act has ended asks no model any more."""

from __future__ import annotations

from signoff.gateways.chain import Verdict
from signoff.gateways.model.call import ModelCall
from signoff.gateways.model.facts import ModelFacts
from signoff.gateways.standing import revoked
from signoff.runs.facts import RunContext


class Revocation:
    """Stops the run when it was cancelled, its agent was switched off, or this process was replaced."""

    name = "revocation"

    def check(self, call: tuple[RunContext, ModelCall], facts: ModelFacts, /) -> Verdict:
        """Return `stop` with the reason, or `allow`."""
        return revoked(facts.standing)
