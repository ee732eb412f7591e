"""A replay asks nobody: it gets the answers the original run got."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.model.call import ModelCall
from signoff.gateways.model.facts import ModelFacts
from signoff.runs.facts import RunContext


class Recording:
    """Answers a replay from the record, and stops it where the record ends."""

    name = "recording"

    def check(self, call: tuple[RunContext, ModelCall], facts: ModelFacts, /) -> Verdict:
        """Return `answer` with the recorded answer, `stop` where there is none, `allow` outside replays."""
        run, _ = call
        if run.mode != "replay":
            return ALLOW
        if facts.recorded is None:
            return Verdict(
                "stop",
                f"The run {run.replay_of} has no recorded answer at this point, so the replay ends here.",
                code="not_recorded",
            )
        return Verdict("answer", f"As recorded in {run.replay_of}.", value=facts.recorded)
