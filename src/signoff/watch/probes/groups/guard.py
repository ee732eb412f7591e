"""What bounds it beyond its gates: volume, hours, values."""

from __future__ import annotations

from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, unmeasured, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, listed

_EDIT = ("/agents/{agent}/edit",)


def _acting(facts: ProbeFacts) -> list[str]:
    return sorted(name for name, tool in facts.granted.items() if tool.effect != "read")


def _capped(facts: ProbeFacts, rule: Rule) -> Answer:
    if not _acting(facts):
        return yes("The revision may only read.")
    today = facts.now.date()
    caps = [cap for cap in facts.body.rules.caps if cap.until is None or cap.until >= today]
    own = sum(one.max_calls is not None for slot in facts.body.tools for one in slot.allow)
    return verdict(
        bool(caps) or own > 0, f"{counted(len(caps), 'cap')}, {counted(own, 'tool')} with a most of its own."
    )


def _window(facts: ProbeFacts, rule: Rule) -> Answer:
    if not _acting(facts):
        return yes("The revision may only read.")
    return verdict(bool(facts.body.rules.windows), f"{counted(len(facts.body.rules.windows), 'window')}.")


def _values(facts: ProbeFacts, rule: Rule) -> Answer:
    acting = _acting(facts)
    if not acting:
        return yes("The revision may only read.")
    ruled = {f"{slot.slot}.{one.tool}" for slot in facts.body.tools for one in slot.allow if one.values or one.args}
    free = [name for name in acting if name not in ruled]
    return verdict(not free, f"Any value passes: {listed(free)}." if free else "Each tool that acts has its lists.")


PROBES = (
    Probe(
        "guard.volume_capped", "Volume is capped", ("promote:77", "guardrails:1"),
        "What acts has a cap on how often.", "Add a cap under rules, or max_calls at the tool.", _capped, _EDIT,
    ),
    Probe(
        "guard.within_hours", "It acts within hours", ("promote:84",),
        "What acts has a window.", "Add a window under rules.", _window, _EDIT,
    ),
    Probe(
        "guard.values_listed", "Values are bounded", ("guardrails:2",),
        "Each tool that acts has a list of values, or a schema, for an argument.",
        "Add values to the tool: kind, allow, deny.", _values, _EDIT,
    ),
    unmeasured(
        "guard.source_restricted", "What starts it is restricted at first", ("promote:91",),
        "Its triggers take events from one team or channel first.", "There are no triggers to restrict yet.",
    ),
)  # fmt: skip
