"""Is there a way back, is it known, and how long does it take?"""

from __future__ import annotations

from datetime import timedelta

from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, attested, no, nothing, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, lasting

# A scheduled drill waits while a release is under way; a day of that is no neglect.
OVERDUE_AFTER = timedelta(days=1)
_REVISIONS = ("/agents/{agent}/revisions",)


def _target(facts: ProbeFacts, rule: Rule) -> Answer:
    served = facts.served
    if served.live_number is None:
        return yes("Nothing serves here yet: going back is a pause.")
    if served.live_revision_id != facts.revision_id:
        done = sum(
            run.state == "completed" for run in facts.here if run.revision_id == served.live_revision_id
        )  # fmt: skip
        return yes(f"Revision {served.live_number}, which serves now, with {counted(done, 'recent completed run')}.")
    if served.earlier:
        return yes(f"Revision {served.earlier[0]}, which served before.")
    return nothing(f"Revision {facts.number} is the first one here; nothing served before it.")


def _drilled(facts: ProbeFacts, rule: Rule) -> Answer:
    drill = facts.drill
    if drill is None:
        return nothing("Going back was never exercised here.")
    every = facts.expected.drill_every_days
    if every is not None and facts.now > drill.at + timedelta(days=every) + OVERDUE_AFTER:
        return no(
            f"A drill is held every {counted(every, 'day')}, and the last was {drill.at:%Y-%m-%d}: it is overdue."
        )
    words = f"The last drill took {lasting(drill.seconds)} and {'passed' if drill.is_passed else 'failed'}."
    return verdict(drill.is_passed and drill.seconds < rule.bar * 60, words, drill.at)


def _pause(facts: ProbeFacts, rule: Rule) -> Answer:
    count = facts.people.may_pause
    return verdict(count >= rule.bar, f"{counted(count, 'member')} may pause it.")


PROBES = (
    Probe(
        "rollback.target_known", "It is known what one goes back to",
        ("promote:46", "deploy:13", "runbook:38", "runbook:67"),
        "A revision serves, or served, to which one can go back; for a first one, a pause.",
        "Nothing is to be done before a first release.", _target, _REVISIONS,
    ),
    Probe(
        "rollback.drilled", "Going back was exercised", ("checklist:17", "runbook:67"),
        "The last drill passed in less than {threshold} minutes.",
        "Hold a drill: go back in this environment and measure it.", _drilled, _REVISIONS, tighter="less",
    ),
    Probe(
        "rollback.may_pause", "Several people may pause it", ("promote:47",),
        "At least {threshold} active members may pause the agent.",
        "Name a backup, or give another member the role manager.", _pause, ("/agents/{agent}/access",), tighter="more",
    ),
    attested(
        "rollback.pause_known", "The team knows how to pause", ("promote:47",),
        "Whoever is on duty has been shown the switch, and knows who may use it.",
    ),
)  # fmt: skip
