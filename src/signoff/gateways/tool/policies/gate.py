"""Some calls need a person's word first: those that meet a gate of the revision, and questions of the agent itself."""

from __future__ import annotations

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.gateways.tool.holding import ToAsk, asking_gate, hold, never_asks
from signoff.gateways.tool.own_tools import is_own, own_tools, rule_of
from signoff.runs.facts import RunContext


class Gate:
    """Holds a call that meets a gate until people have agreed to this very call, and lets it by once they have."""

    name = "gate"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `hold` with whom to ask, `allow` with who agreed, `deny` where nobody could decide, or `allow`."""
        run, asked = call
        if is_own(asked):
            return _asks_by_itself(run, asked, facts)
        gate = asking_gate(run.body, asked.slot, asked.tool, facts.effect, asked.args)
        if gate is None or (facts.is_read and never_asks(run, facts)):
            return ALLOW
        given = next((one for one in facts.approvals if one.gate == gate.name), None)
        if given is not None:
            return Verdict("allow", given.remark, code="approved")
        return hold(run, asked, facts, ToAsk(gate), f"{asked.name} meets the gate {gate.name}: a person has to agree.")


def _asks_by_itself(run: RunContext, asked: ToolCall, facts: ToolFacts) -> Verdict:
    own = own_tools(run.body)[asked.tool]
    words = "The agent asks a question." if own.kind == "question" else "The agent asks for a login."
    return hold(run, asked, facts, ToAsk(rule_of(run.body, own.kind), own.kind), words)
