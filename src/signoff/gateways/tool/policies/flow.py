"""Private data does not leave, and nothing is done for good, because of what a mail, a page or a file said."""

from __future__ import annotations

from dataclasses import replace

from signoff.agents.gates import Gate
from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.gateways.tool.flow.origins import by_argument
from signoff.gateways.tool.flow_facts import FlowFacts
from signoff.gateways.tool.holding import ToAsk, hold, rule_for
from signoff.runs.facts import RunContext
from signoff.runs.states import is_rehearsal

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
        """Return `hold` with whom to ask, `simulate` where nobody is asked, or `allow`."""
        run, asked = call
        flow = facts.flow
        if flow is None:
            return ALLOW
        if flow.decision.kind == "allow":
            remark = _REMARKS.get(flow.decision.rule)
            return Verdict("allow", remark, code=f"flow_{flow.decision.rule}") if remark else ALLOW
        if is_rehearsal(run.mode) and (facts.recorded is not None or not facts.is_read):
            # `shadow` comes after, and answers it: what people said to the original is in the record. Nothing is sent.
            return Verdict("allow", facts.redactor.text(flow.reason), code=f"flow_{flow.decision.rule}")
        rule = _rule(run, asked, facts, flow)
        # The card shows arguments as they are sent: with the names of secrets.
        from_where = facts.redactor.value(by_argument(flow.origins))
        verdict = hold(
            run,
            asked,
            facts,
            ToAsk(rule, origins=from_where, title=facts.redactor.text(flow.title)),
            facts.redactor.text(flow.reason),
        )
        return replace(verdict, code=f"flow_{flow.decision.rule}") if verdict.kind == "hold" else verdict


def _rule(run: RunContext, asked: ToolCall, facts: ToolFacts, flow: FlowFacts) -> Gate:
    """Return who is asked: as a gate for this call says, and about values that may be accepted for the run."""
    rule = rule_for(run.body, asked, facts.effect, policy=Flow.name)
    if flow.decision.rule not in _ENDORSABLE:
        return rule
    unsure = [value.argument.split(".", 1)[0] for value in flow.decision.unsure]
    return rule.model_copy(update={"may_endorse": list(dict.fromkeys((*rule.may_endorse, *unsure)))[:20]})
