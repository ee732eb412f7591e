"""Some calls need a person's word first: those that meet a gate of the revision, and questions of the agent itself."""

from __future__ import annotations

from signoff.agents.body import EFFECTS
from signoff.agents.coverage import is_covered
from signoff.agents.gates import Gate as UncoveredGate
from signoff.approvals.states import ApprovalKind
from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.gateways.tool.holding import ToAsk, asking_gate, hold, never_asks
from signoff.gateways.tool.own_tools import is_own, own_tools, rule_of
from signoff.runs.facts import RunContext

# The name of the rule by which people are asked where a revision has none.
UNCOVERED = "irreversible"


class Gate:
    """Holds a call that meets a gate until people have agreed to this very call, and lets it by once they have."""

    name = "gate"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `hold` with whom to ask, `allow` with who agreed, `deny` where nobody could decide, or `allow`."""
        run, asked = call
        own = own_tools(run.body).get(asked.tool) if is_own(asked) else None
        if own is not None and own.kind is not None:
            return _asks_by_itself(run, asked, facts, own.kind)
        gate = asking_gate(run.body, asked.slot, asked.tool, facts.effect, asked.args)
        if gate is None and _lacks_gate(run, asked, facts):
            return _for_want_of_a_gate(run, asked, facts)
        if gate is None or (facts.is_read and never_asks(run, facts)):
            return ALLOW
        given = next((one for one in facts.approvals if one.gate == gate.name), None)
        if given is not None:
            return Verdict("allow", given.remark, code="approved")
        return hold(run, asked, facts, ToAsk(gate), f"{asked.name} meets the gate {gate.name}: a person has to agree.")


def _lacks_gate(run: RunContext, asked: ToolCall, facts: ToolFacts) -> bool:
    """Return whether this cannot be undone, in production, and the revision has no gate that would ever ask.

    Such a revision does not go live there. But a run may name it, and a tool may have become irreversible since.
    """
    is_grave = facts.effect == EFFECTS[-1] and facts.standing.is_production
    return is_grave and not is_covered(run.body.gates, asked.slot, asked.tool, facts.effect)


def _for_want_of_a_gate(run: RunContext, asked: ToolCall, facts: ToolFacts) -> Verdict:
    if facts.approvals:
        return Verdict("allow", facts.approvals[0].remark, code="approved")
    words = f"{asked.name} cannot be undone, and this revision has no gate before it: a person has to agree."
    return hold(run, asked, facts, ToAsk(UncoveredGate(name=UNCOVERED)), words)


def _asks_by_itself(run: RunContext, asked: ToolCall, facts: ToolFacts, kind: ApprovalKind) -> Verdict:
    words = "The agent asks a question." if kind == "question" else "The agent asks for a login."
    return hold(run, asked, facts, ToAsk(rule_of(run.body, kind), kind), words)
