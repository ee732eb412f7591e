"""The same question gets the same answer without being asked twice, where the revision wants that."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.model.call import ModelCall
from signoff.gateways.model.facts import ModelFacts
from signoff.runs.facts import RunContext


class Cache:
    """Answers from an equal request of the same agent (`model.cache: true`)."""

    name = "cache"

    def check(self, call: tuple[RunContext, ModelCall], facts: ModelFacts, /) -> Verdict:
        """Return `answer` with the kept answer, or `allow`."""
        if facts.cached is None:
            return ALLOW
        return Verdict("answer", "An equal request of this agent was answered before.", value=facts.cached)
