"""Is a person asked before what cannot be undone, costs, or is seen outside; can they decide; what if they do not?"""

from __future__ import annotations

import re
from collections.abc import Callable

from signoff.agents.coverage import gravest, is_covered, ungated
from signoff.agents.gates import Gate
from signoff.agents.tier.amounts import is_amount
from signoff.watch.probes.facts import ProbeFacts, ToolFact
from signoff.watch.probes.probe import Answer, Probe, attested, nothing, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, listed

_EDIT = ("/agents/{agent}/edit", "/agents/{agent}/tools")
# Arguments that are named like money, besides those that a risk tier knows: a call with one is expensive, whatever
# class its tool has.
_MONEY = re.compile(
    r"(?:^|[_\W])(?:amount|total|sum|price|cost|fee|refund|payment|usd|eur|gbp|betrag)(?:$|[_\W])", re.IGNORECASE
)
_NO_GATES = "The revision has no gates."


def _irreversible(facts: ProbeFacts, rule: Rule) -> Answer:
    open_ones = ungated(facts.body, {name: tool.effect for name, tool in facts.tools.items()})
    if open_ones:
        return verdict(False, f"No gate asks before {listed(open_ones)}.")
    return yes("Nothing irreversible is done unasked.")


def _outward(facts: ProbeFacts, rule: Rule) -> Answer:
    return _gated(facts, lambda tool: tool.effect == "send", "is seen outside")


def _expensive(facts: ProbeFacts, rule: Rule) -> Answer:
    return _gated(
        facts, lambda tool: tool.effect != "read" and any(_is_money(one) for one in tool.arguments), "moves money"
    )


def _is_money(argument: str) -> bool:
    return is_amount(argument) or _MONEY.search(argument) is not None


def _gated(facts: ProbeFacts, meant: Callable[[ToolFact], bool], words: str) -> Answer:
    named = {name: tool for name, tool in facts.granted.items() if meant(tool)}
    unasked = [
        name for name, tool in named.items() if not is_covered(facts.body.gates, *_parts(name), gravest(tool.effect))
    ]
    if unasked:
        return verdict(False, f"No gate asks before {listed(sorted(unasked))}, which {words}.")
    return yes(f"{counted(len(named), 'tool')} that {words}, none unasked.")


def _context(facts: ProbeFacts, rule: Rule) -> Answer:
    if not facts.body.gates:
        return yes(_NO_GATES)
    poor = [gate.name for gate in facts.body.gates if not _says_enough(gate)]
    return verdict(not poor, f"Too little is said by {listed(poor)}." if poor else "Each gate says what it is about.")


def _says_enough(gate: Gate) -> bool:
    """Return whether title and summary are written, and what they need is in the call: named there, or required."""
    return bool(gate.title.strip() and gate.summary.strip()) and ("{{args." in gate.title + gate.summary
                                                                  or bool(gate.required))  # fmt: skip


def _escalation(facts: ProbeFacts, rule: Rule) -> Answer:
    if not facts.body.gates:
        return yes(_NO_GATES)
    late = [gate.name for gate in facts.body.gates if not _goes_on(gate, rule.bar * 60)]
    words = f"Nothing happens in time when {listed(late)} is ignored." if late else "Each gate says what happens then."
    return verdict(not late, words)


def _goes_on(gate: Gate, minutes: float) -> bool:
    """Return whether something happens in time: others are asked, or the deadline decides. Denied twice: `denials_max`
    always says."""
    ends = gate.on_deadline != "wait" and gate.deadline_minutes <= minutes
    return ends or any(rung.after_minutes <= minutes for rung in gate.escalation)


def _asked(facts: ProbeFacts, rule: Rule) -> Answer:
    if not facts.body.gates:
        return yes(_NO_GATES)
    approver = facts.people.holder("approver")
    if approver is None:
        return verdict(False, "Nobody sits on the seat of an approver.")
    if approver.state != "accepted" or approver.problem:
        return nothing(approver.problem or f"{approver.name} has not accepted yet to be an approver.")
    return yes(f"{approver.name} is asked.", approver.answered_at)


def _parts(name: str) -> tuple[str, str]:
    slot, _, tool = name.partition(".")
    return slot, tool


PROBES = (
    Probe(
        "human.irreversible_gated", "A person is asked before what cannot be undone", ("promote:28",),
        "A gate asks before every irreversible tool, and its exception does not let everything by.",
        "Add a gate for the effect irreversible, freeze, and ship that revision.", _irreversible, _EDIT, is_safety=True,
    ),
    Probe(
        "human.outward_gated", "A person is asked before what others see", ("promote:28",),
        "A gate asks before every tool that sends something out.",
        "Add a gate for the effect send; with `unless` for what needs nobody.", _outward, _EDIT,
    ),
    Probe(
        "human.expensive_gated", "A person is asked before what costs", ("promote:28",),
        "A gate asks before every tool that takes an amount of money.",
        "Add a gate for these tools; with `unless` for small amounts.", _expensive, _EDIT,
    ),
    Probe(
        "human.context_complete", "Requests can be decided by what they say", ("promote:29",),
        "Each gate has a title and a summary, and names or requires the arguments one decides by.",
        "Write title and summary with {{args.name}} in them, and list under required what must be given.",
        _context, _EDIT,
    ),
    Probe(
        "human.escalation_defined", "It is said what happens when nobody answers", ("promote:30",),
        "Within {threshold} hours without an answer others are asked, or the deadline decides.",
        "Give the gate an escalation, or a deadline that denies or fails.", _escalation, _EDIT, tighter="less",
    ),
    Probe(
        "human.approver_accepted", "Somebody has accepted to be asked", ("promote:199", "promote:30"),
        "An approver sits on the seat, and said yes.",
        "Ask a member to be approver on the agent's Owners page; they accept with a click.",
        _asked, ("/agents/{agent}/owners",),
    ),
    attested(
        "human.readers_decide", "Reviewers decided real requests without opening another system", ("promote:29",),
        "Whoever is asked looked at requests of the test runs and could decide by the card alone.",
    ),
)  # fmt: skip
