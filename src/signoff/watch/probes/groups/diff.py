"""Was what changes read by somebody else, and is it what will be shipped?"""

from __future__ import annotations

from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, nothing, verdict
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted

_DIFF = ("/agents/{agent}/diff",)


def _read(facts: ProbeFacts, rule: Rule) -> Answer:
    others = facts.signed - facts.authors
    if not facts.signed:
        return nothing("Nobody has signed this release yet.")
    words = f"{counted(len(others), 'signature')} by people who did not write revision {facts.number}."
    return verdict(len(others) >= 1, words, facts.signed_at)


def _two(facts: ProbeFacts, rule: Rule) -> Answer:
    # Whoever wrote it has read it; the others signed for it.
    readers = facts.signed | facts.authors
    if not facts.signed:
        return nothing("Nobody has signed this release yet.")
    return verdict(len(readers) >= rule.bar, f"{counted(len(readers), 'person', 'people')} wrote or signed it.",
                   facts.signed_at)  # fmt: skip


def _final(facts: ProbeFacts, rule: Rule) -> Answer:
    if facts.number >= facts.newest_number:
        return verdict(True, f"Revision {facts.number} is the newest.")
    return verdict(False, f"Revision {facts.newest_number} is newer than revision {facts.number}.")


PROBES = (
    Probe(
        "diff.read", "Somebody else read what changes", ("deploy:8",),
        "A member who did not write the revision approved its release with the diff on their screen.",
        "Let somebody else sign the release.", _read, _DIFF, is_gathered=True,
    ),
    Probe(
        "diff.two_people", "Two people stand behind it", ("guardrails:3",),
        "At least {threshold} people wrote or signed it.", "Let one more person sign the release.", _two, _DIFF,
        tighter="more", is_gathered=True,
    ),
    Probe(
        "diff.final", "It is the newest revision", ("runbook:36",),
        "No later revision of the agent has been frozen.", "Ship the newest one, or leave it: this only warns.",
        _final, ("/agents/{agent}/revisions",),
    ),
)  # fmt: skip
