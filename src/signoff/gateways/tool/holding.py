"""How a policy has a call held until a person has agreed: one way, for every policy that asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.gates import Gate
from signoff.agents.part import Effect
from signoff.approvals import questions
from signoff.approvals.actions import Wanted, request_approval
from signoff.approvals.cards import card_of
from signoff.approvals.states import ApprovalKind
from signoff.approvals.templates import filled, missing_in, value_at
from signoff.gateways.chain import Verdict
from signoff.gateways.tool.approval_facts import binding_for
from signoff.gateways.tool.call import ToolCall, ToolOutcome
from signoff.gateways.tool.facts import ToolFacts
from signoff.kit.json_schemas import strict_problems
from signoff.kit.visible import visible
from signoff.runs.facts import RunContext

NEEDS_APPROVAL = "needs_approval"
_TITLE_CHARS = 200
_SUMMARY_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class ToAsk:
    """What a verdict `hold` carries: by which rule people are asked, and what they are told beyond the call.

    Args:
        origins: argument → `{origin, label}`; what is not said is untrusted.
        more: laid over the card.
        title: what is asked where the rule has no title of its own.
    """

    rule: Gate
    kind: ApprovalKind = "approval"
    origins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])
    title: str = ""


def never_asks(run: RunContext, facts: ToolFacts) -> bool:
    """Return whether this run is one that asks nobody: a rehearsal, a replay, a test."""
    return run.mode != "live" or facts.standing.origin == "test"


def hold(run: RunContext, call: ToolCall, facts: ToolFacts, to_ask: ToAsk, reason: str) -> Verdict:
    """Return the verdict that holds a call until a person agreed. For every policy that asks.

    A run that asks nobody does not act either: the call is simulated. One that lacks an argument without which nobody
    could decide is refused, and nobody is bothered.
    """
    if never_asks(run, facts):
        return Verdict(
            "simulate", f"{reason} This is a test, so nobody was asked, and nothing was sent.",
            value={"status": "not_sent", "is_simulated": True, "note": "A person would have been asked first."},
            code="nobody_asked",
        )  # fmt: skip
    if missing := missing_in(to_ask.rule.required, call.args):
        return Verdict(
            "deny", f"A person has to agree to {call.name} (gate {to_ask.rule.name}) and could not decide without "
            f"{', '.join(missing)}. Give them, then call it again.",
            code="approval_incomplete",
        )  # fmt: skip
    return Verdict("hold", reason, code=NEEDS_APPROVAL, value=to_ask)


def asking_gate(body: Body, slot: str, tool: str, effect: Effect, args: Mapping[str, Any]) -> Gate | None:
    """Return the first gate that applies to a call and does not let it pass by its `unless`; None when none does."""
    return next((gate for gate in body.gates if gate.applies_to(slot, tool, effect) and not _passes(gate, args)), None)


def rule_for(body: Body, call: ToolCall, effect: Effect, *, policy: str) -> Gate:
    """Return by which rule a policy that is no gate asks: the gate of this call, so that one answer is enough for
    both and the stricter people give it; else the approvers, under the policy's name."""
    gate = asking_gate(body, call.slot, call.tool, effect, call.args)
    if gate is not None:
        return gate
    near = next((one for one in body.gates if one.applies_to(call.slot, call.tool, effect)), None)
    return replace_name(near, policy) if near is not None else Gate(name=policy)


def replace_name(gate: Gate, name: str) -> Gate:
    """Return the same gate under another name."""
    return gate.model_copy(update={"name": name})


def _passes(gate: Gate, args: Mapping[str, Any]) -> bool:
    if not gate.unless:
        return False
    for name, schema in gate.unless.items():
        value = value_at(args, name)
        # What is not given, or cannot be checked, asks.
        if value is None or strict_problems(value, schema):
            return False
    return True


def ask(session: Session, run: RunContext, call: ToolCall, facts: ToolFacts, verdict: Verdict) -> ToolOutcome:
    """Ask, in the transaction in which the step begins to wait. Returns what holds the leg."""
    to_ask: ToAsk = verdict.value
    wanted = _wanted(session, run, call, facts, verdict, to_ask)
    approval_id = request_approval(session, run, call.call_id, wanted)
    hold_said = {"kind": to_ask.kind, "approval": approval_id}
    return ToolOutcome("held", reason=verdict.reason, code=verdict.code, hold=hold_said)


def _wanted(
    session: Session, run: RunContext, call: ToolCall, facts: ToolFacts, verdict: Verdict, to_ask: ToAsk
) -> Wanted:
    rule, args = to_ask.rule, facts.redactor.value(call.args)
    card = card_of(
        session, run, key=call.key, tool=call.name, effect=facts.effect, args=args, rule=rule, origins=to_ask.origins
    )
    if verdict.policy != "flow":
        # Only who asks because of a value need not ask again once it is accepted.
        card["endorsable"] = []
    wanted = Wanted(
        kind=to_ask.kind, rule=rule, policy="agent" if to_ask.kind in ("question", "login") else verdict.policy,
        why=verdict.reason,
        title=filled(rule.title, args, chars_max=_TITLE_CHARS, is_one_line=True) or to_ask.title or visible(call.name),
        summary=filled(rule.summary, args, chars_max=_SUMMARY_CHARS), binding=binding_for(run, call), tool=call.name,
        effect=facts.effect, args=args, card={**card, **to_ask.more},
    )  # fmt: skip
    if to_ask.kind == "question":
        asked = questions.shown(args["questions"])
        first = asked[0]["header"] or asked[0]["question"]
        more = f" (and {len(asked) - 1} more)" if len(asked) > 1 else ""
        words = "\n".join(one["question"] for one in asked)
        return replace(wanted, title=first + more, summary=words, card={**wanted.card, "questions": asked})
    if to_ask.kind == "login":
        slot = visible(str(args["connection"]))
        title = f"Set up the login of {slot}"
        return replace(
            wanted, title=title, summary=visible(str(args["reason"])), card={**wanted.card, "connection": slot}
        )
    return wanted
