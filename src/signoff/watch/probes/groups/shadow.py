"""Was it tried on what was really asked, without acting, for long enough?"""

from __future__ import annotations

from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, nothing, verdict
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted

_LINKS = ("/agents/{agent}/revisions/{number}",)
_NONE = "The revision was never tried in the shadow here."


def _days(facts: ProbeFacts, rule: Rule) -> Answer:
    shadow = facts.shadow
    if not shadow.days:
        return nothing(_NONE)
    words = f"{counted(shadow.days, 'day')} in the shadow, {counted(shadow.compared, 'answer')} compared."
    return verdict(shadow.days >= rule.bar, words, shadow.newest_at)


def _agreement(facts: ProbeFacts, rule: Rule) -> Answer:
    shadow = facts.shadow
    if not shadow.compared:
        return nothing(_NONE)
    bad = shadow.worse + shadow.unjudged
    share = 100 * (shadow.compared - bad) / shadow.compared
    words = f"{share:.1f} % of {counted(shadow.compared, 'answer')} agree or are judged no worse."
    return verdict(share >= rule.bar, words, shadow.newest_at)


def _judged(facts: ProbeFacts, rule: Rule) -> Answer:
    shadow = facts.shadow
    if not shadow.compared:
        return nothing(_NONE)
    differ = "differs" if shadow.differing == 1 else "differ"
    words = f"{counted(shadow.differing, 'answer')} {differ}: {shadow.unjudged} not judged, {shadow.worse} worse."
    return verdict(not shadow.unjudged and not shadow.worse, words, shadow.newest_at)


PROBES = (
    Probe(
        "shadow.days", "It was in the shadow for days", ("checklist:10",),
        "Answers were compared on at least {threshold} different days.",
        "Release it with a shadow, and wait.", _days, _LINKS, tighter="more", is_gathered=True,
    ),
    Probe(
        "shadow.agreement", "It agrees with what serves", ("checklist:10",),
        "At least {threshold} % of answers are equal, or were judged no worse.",
        "Judge what differs, and fix what is worse.", _agreement, _LINKS, tighter="more", is_gathered=True,
    ),
    Probe(
        "shadow.differences_judged", "Every difference was judged", ("checklist:11",),
        "No answer that differs is left without a judgement, and none is worse.",
        "Judge each difference; fix what is worse, and try again.", _judged, _LINKS,
        is_gathered=True,
    ),
)  # fmt: skip
