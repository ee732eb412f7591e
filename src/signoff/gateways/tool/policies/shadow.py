"""A rehearsal, for a release or an evaluation: what a revision would do, without doing it."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.gateways.tool.holding import asking_gate
from signoff.gateways.tool.own_tools import is_memory, is_own
from signoff.runs.facts import RunContext
from signoff.runs.states import is_rehearsal

_UNANSWERED = {"status": "not_asked", "is_simulated": True, "note": "Nobody is asked in a rehearsal. Go on without."}
_ACCEPTED = {"status": "accepted", "is_simulated": True, "note": "Recorded in a rehearsal, not carried out."}

_WORDS = {"shadow": "This run is a shadow", "evaluation": "This run is part of an evaluation"}


class Shadow:
    """Answers a rehearsal as its original was answered. Of other calls, reads are made; writes are only recorded."""

    name = "shadow"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `answer` or `simulate` with what the model is told, or `allow`."""
        run, asked = call
        if not is_rehearsal(run.mode):
            return ALLOW
        told = facts.recorded
        if facts.is_read and told is not None:
            return Verdict("answer", f"As {asked.name} answered in {run.replay_of}.", value=told, code="as_recorded")
        if facts.is_read:
            return self._read(run, asked, facts)
        if told is not None and told["kind"] != "value":
            return Verdict("answer", f"As it ended in {run.replay_of}.", value=told, code="as_recorded")
        if told is None and is_memory(asked):
            return ALLOW  # `memory` says whether there is one, and keeps nothing.
        return Verdict(
            "simulate",
            f"{_WORDS.get(run.mode)}: {asked.name} was recorded and not sent.",
            value=told["value"] if told is not None else _ACCEPTED,
            code="simulated",
        )

    def _read(self, run: RunContext, asked: ToolCall, facts: ToolFacts) -> Verdict:
        """Let a read be made that the original did not make, unless a person would be asked first."""
        asks = is_own(asked) and not is_memory(asked) and facts.sub_agent is None
        if not asks and asking_gate(run.body, asked.slot, asked.tool, facts.effect, asked.args) is None:
            return ALLOW
        return Verdict(
            "simulate", f"{asked.name} asks a person. A rehearsal asks nobody.", value=_UNANSWERED, code="nobody_asked"
        )
