"""How good is it? What evaluations on golden datasets say of a revision, beside what serves."""

from __future__ import annotations

from datetime import timedelta

from signoff.evaluations.golden import GoldenFact
from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, no, nothing, unasked, unmeasured, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, listed

_FIX = "Compare by hand and vouch for it, until evaluations measure it."
_NONE = "The agent has no golden dataset with examples."
_LINKS = ("/agents/{agent}",)
# A schedule may be late by as much again.
_LATE = {"day": timedelta(days=2), "week": timedelta(days=14)}


def _golden(facts: ProbeFacts, rule: Rule) -> Answer:
    """Say whether the revision is promotable on every golden dataset, beside what serves now."""
    if not facts.golden:
        return unasked(_NONE)
    without = [one.name for one in facts.golden if one.evaluation_id is None]
    if without:
        return nothing(f"Revision {facts.number} was not evaluated on {listed(without)}.")
    changed = [one.name for one in facts.golden if one.dataset_version != one.version]
    if changed:
        return nothing(f"Other examples are in {listed(changed)} by now. Evaluate revision {facts.number} again.")
    oldest = min((one.ended_at for one in facts.golden if one.ended_at is not None), default=None)
    worst = next((one for one in facts.golden if one.verdict != "promotable"), None)
    if worst is not None:
        return no(f"{_said(worst)} {worst.reason}", oldest)
    live = facts.served.live_revision_id
    if live != facts.revision_id and any(one.baseline_revision_id != live for one in facts.golden):
        beside = "nothing" if live is None else f"revision {facts.served.live_number}"
        return no(f"It was compared with what served before; now {beside} serves. Evaluate it again.", oldest)
    return yes(" ".join(_said(one) for one in facts.golden[:3]), oldest)


def _said(one: GoldenFact) -> str:
    """Say what an evaluation came to, so that whoever reads it finds it."""
    beside = "nothing served" if one.baseline_score is None else f"what served had {one.baseline_score:.3f}"
    score = "–" if one.score is None else f"{one.score:.3f}"
    lost = f", {counted(one.critical_lost, 'critical example')} lost" if one.critical_lost else ""
    return f"{one.name}: {score}, {beside}{lost} ({one.evaluation_id})."


def _baseline(facts: ProbeFacts, rule: Rule) -> Answer:
    """Say whether what serves is measured again on a schedule."""
    if not facts.golden_live:
        return unasked(_NONE)
    if facts.served.live_revision_id is None:
        return unasked("Nothing serves here yet.")
    kept = [one for one in facts.golden_live if one.every is not None]
    if not kept:
        return no("No golden dataset is measured again on a schedule.")
    for one in kept:
        if one.ended_at is None:
            return nothing(f"What serves was not evaluated on {one.name} yet.")
        if facts.now - one.ended_at > _LATE[one.every or "week"]:
            return no(
                f"What serves was last evaluated on {one.name} at {one.ended_at:%Y-%m-%d %H:%M} UTC.", one.ended_at
            )
    newest = max(kept, key=lambda one: one.ended_at or facts.now)
    return yes(f"{newest.name}: {newest.score or 0:.3f}, measured each {newest.every}.", newest.ended_at)


def _pipeline(facts: ProbeFacts, rule: Rule) -> Answer:
    """Say whether evaluations run by themselves."""
    if not facts.golden:
        return unasked(_NONE)
    by_itself = [one.name for one in facts.golden if one.is_of_each_revision or one.every is not None]
    return verdict(
        bool(by_itself),
        f"By itself: {listed(by_itself)}." if by_itself else "Nothing is evaluated unless somebody asks for it.",
    )


PROBES = (
    Probe(
        "evaluation.golden", "It does as well on the golden dataset as what serves", ("deploy:7",),
        "Scores match or beat those of the live revision, with no critical case worse.",
        "Evaluate this revision on each golden dataset; mend what got worse.", _golden, _LINKS,
    ),
    Probe(
        "evaluation.baseline", "There is a baseline", ("checklist:42", "deploy:37"),
        "The live revision has scores on a golden dataset, measured again on a schedule.",
        "Give a golden dataset a schedule.", _baseline, _LINKS,
    ),
    Probe(
        "evaluation.pipeline", "Evaluation runs by itself", ("checklist:41",),
        "Evaluations run without anybody's hand.",
        "Give a golden dataset a schedule, or have each revision evaluated.", _pipeline, _LINKS,
    ),
    unmeasured(
        "evaluation.scorecard", "A weekly scorecard is ready", ("checklist:43",),
        "Each week's numbers are gathered for whoever answers for the agent.", _FIX,
    ),
    unmeasured(
        "evaluation.feedback", "Feedback is collected", ("checklist:44",),
        "Whoever gets the agent's results can say that one is wrong.", _FIX,
    ),
)  # fmt: skip
