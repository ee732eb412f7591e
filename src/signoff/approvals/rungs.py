"""The rungs of a gate: who is asked too when nobody answers, and after how long."""

from __future__ import annotations

from collections.abc import Sequence

from signoff.agents.gates import Escalation, Gate

# A gate with a shorter deadline and no escalation of its own has none: there is no time to hand it on.
IMPLIED_FROM_MINUTES = 60


def rungs_of(rule: Gate) -> Sequence[Escalation]:
    """Return the rungs of a gate, the earliest first as they are numbered.

    A gate that names none has two: at half of its time the agent's backup is asked too, at three quarters whoever the
    agent escalates to. A seat that is empty asks nobody.
    """
    if rule.escalation:
        return sorted(rule.escalation, key=lambda rung: rung.after_minutes)
    minutes = rule.deadline_minutes
    if minutes < IMPLIED_FROM_MINUTES:
        return ()
    return (
        Escalation(after_minutes=minutes // 2, to=["backup"]),
        Escalation(after_minutes=minutes * 3 // 4, to=["escalation"]),
    )
