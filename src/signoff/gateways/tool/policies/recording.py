"""A replay acts on nothing: it gets what the original run got."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.runs.facts import RunContext


class Recording:
    """Answers a replay from the record; what is not recorded is refused, never done."""

    name = "recording"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `answer` with the recorded outcome, `deny` where there is none, `allow` outside replays."""
        run, asked = call
        if run.mode != "replay":
            return ALLOW
        if facts.recorded is None:
            return Verdict(
                "deny",
                f"The run {run.replay_of} made no such call to {asked.name}, so there is nothing to answer from.",
                code="not_recorded",
            )
        return Verdict("answer", f"As recorded in {run.replay_of}.", value=facts.recorded)
