"""Private data does not leave, and nothing is done for good, because of what a mail, a page or a file said."""

from __future__ import annotations

from typing import Any

from signoff.agents.gates import Gate
from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.gateways.tool.flow_facts import FlowFacts
from signoff.runs.facts import RunContext

# Whom to ask when no gate of the revision says it for this call.
_RULE = Gate(name="flow", denial_reason="optional")
_REMARKS = {
    "approved": "Somebody approved this very call.",
    "stays_inside": "What nobody vouches for was read before; what this changes stays inside and can be taken back.",
    "targets_named": "What nobody vouches for was read before; somebody named where this goes.",
    "preapproved": "What nobody vouches for was read before; the revision approved this with the target it has.",
}
_ENDORSABLE = frozenset(("address_not_named", "target_not_named", "target_not_fixed"))


class Flow:
    """Asks a person about a call that untrusted content may have brought about, as far as the revision's profile says.

    Only what was read counts, and who named the values; what the model says of itself does not.
    """

    name = "flow"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `hold` with the rule that says who is asked, `deny` for a fetch in a rehearsal, or `allow`."""
        run, asked = call
        flow = facts.flow
        if flow is None:
            return ALLOW
        if flow.decision.kind == "allow":
            remark = _REMARKS.get(flow.decision.rule)
            return Verdict("allow", remark, code=f"flow_{flow.decision.rule}") if remark else ALLOW
        reason = facts.redactor.text(flow.reason)
        if run.mode != "live":
            return _rehearsed(asked, facts, reason)
        return Verdict("hold", reason, code=f"flow_{flow.decision.rule}", value=_rule(run, asked, facts, flow))


def _rehearsed(asked: ToolCall, facts: ToolFacts, reason: str) -> Verdict:
    """Nobody is asked about a rehearsal: what it would change is simulated, and what it would fetch is not."""
    if facts.is_read:
        return Verdict("deny", f"In a rehearsal {asked.name} asks nobody. {reason}", code="flow_not_rehearsed")
    return Verdict("allow", f"A person would be asked. {reason}", code="flow_would_ask")


def _rule(run: RunContext, asked: ToolCall, facts: ToolFacts, flow: FlowFacts) -> dict[str, Any]:
    """Return who is asked: as the first gate for this call says, so that one answer is enough for both."""
    gates = run.body.gates
    rule = next((gate for gate in gates if gate.applies_to(asked.slot, asked.tool, facts.effect)), _RULE)
    plain = rule.model_dump(mode="json")
    if flow.decision.rule in _ENDORSABLE:
        unsure = [value.argument.split(".", 1)[0] for value in flow.decision.unsure]
        plain["may_endorse"] = list(dict.fromkeys((*rule.may_endorse, *unsure)))[:20]
    return plain
