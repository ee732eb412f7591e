"""Who answers for it, do they know, and who comes when they are away?"""

from __future__ import annotations

from signoff.people.seats import SEAT_WORDS, Seat
from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, attested, no, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import listed

_OWNERS = ("/agents/{agent}/owners",)
_ASK = "Ask a member to take the seat on the agent's Owners page; they accept with a click."


def _seated(facts: ProbeFacts, kind: Seat) -> Answer:
    holder = facts.people.holder(kind)
    if holder is None:
        return no(f"It has no {SEAT_WORDS[kind]}.")
    if holder.problem:
        return no(holder.problem)
    return yes(f"{holder.name} is the {SEAT_WORDS[kind]}.")


def _accepted(facts: ProbeFacts, rule: Rule) -> Answer:
    holder = facts.people.holder("build")
    if holder is None:
        return no("There is no owner to accept it.")
    if holder.state != "accepted":
        return no(f"{holder.name} has not accepted yet.")
    return yes(f"{holder.name} accepted.", holder.answered_at)


def _escalation(facts: ProbeFacts, rule: Rule) -> Answer:
    kinds: tuple[Seat, ...] = ("backup", "escalation")
    lacking = [SEAT_WORDS[kind] for kind in kinds if facts.people.holder(kind) is None]
    held = [one for kind in kinds if (one := facts.people.holder(kind)) is not None]
    waiting = [one.name for one in held if one.state != "accepted"]
    wrong = [one.problem for one in held if one.problem]
    if lacking or waiting or wrong:
        parts = [f"no {listed(lacking)}"] if lacking else []
        parts += [f"not accepted yet: {listed(waiting)}"] if waiting else []
        return no(f"{'; '.join([*parts, *(one.rstrip('.') for one in wrong)])}.")
    return yes("Backup and escalation manager accepted.")


def _last_resort(facts: ProbeFacts, rule: Rule) -> Answer:
    found = facts.people.has_last_resort
    return verdict(found, "An administrator is named." if found else "No administrator is named.")


def _three(facts: ProbeFacts, rule: Rule) -> Answer:
    kinds: tuple[Seat, ...] = ("build", "operations", "backup", "escalation")
    holders = {
        one.member_id: one.name
        for kind in kinds
        if (one := facts.people.holder(kind)) is not None and one.state == "accepted" and not one.problem
    }
    words = f"{listed(holders.values())} accepted." if holders else "Nobody has accepted a seat."
    return verdict(len(holders) >= rule.bar, words)


def _handover(facts: ProbeFacts, rule: Rule) -> Answer:
    since = facts.people.handover_since
    if since is None:
        return yes("No hand-over is open.")
    return no(f"A hand-over is open since {since:%Y-%m-%d}: the new owner has not completed a run by hand.")


PROBES = (
    Probe(
        "owner.named", "One person answers for it", ("promote:40", "promote:197", "promote:207"),
        "A member who may hold it sits on the seat of the build owner.", _ASK,
        lambda facts, rule: _seated(facts, "build"), _OWNERS,
    ),
    Probe(
        "owner.accepted", "The owner knows and said yes", ("promote:41",),
        "The build owner accepted.", "Let them accept on the agent's Owners page.", _accepted, _OWNERS,
    ),
    Probe(
        "owner.backup", "Somebody stands in for the owner", ("promote:42", "promote:208"),
        "A member with the rights of a manager sits on the seat of the backup.", _ASK,
        lambda facts, rule: _seated(facts, "backup"), _OWNERS,
    ),
    Probe(
        "owner.operations", "Somebody runs it day to day", ("promote:198", "promote:111", "promote:130"),
        "A member who may read its runs sits on the seat of the operations owner.", _ASK,
        lambda facts, rule: _seated(facts, "operations"), _OWNERS,
    ),
    Probe(
        "owner.escalation_accepted", "The way up is accepted", ("promote:30", "promote:208", "promote:209"),
        "Backup and escalation manager sit on their seats and accepted.", _ASK, _escalation, _OWNERS,
    ),
    Probe(
        "owner.last_resort", "There is an owner of last resort", ("promote:211",),
        "An active administrator is named who may act on any agent.",
        "Name one under Settings, Workspace.", _last_resort, ("/settings/workspace",),
    ),
    Probe(
        "owner.three_named", "Three people are named", ("runbook:90", "runbook:91", "runbook:92"),
        "At least {threshold} different members accepted seats: for releasing, for operating, for the data.",
        _ASK, _three, _OWNERS, tighter="more",
    ),
    Probe(
        "owner.no_handover", "It is not on its way to another owner", ("promote:217", "promote:220"),
        "No hand-over is open.", "The new owner runs it once by hand; or call the hand-over off.",
        _handover, ("/agents/{agent}/handover",),
    ),
    attested(
        "owner.operators_onboarded", "Operators were shown how",
        ("promote:137", "promote:138", "promote:139", "promote:140", "promote:141"),
        "Whoever starts and watches it knows what it does, where runs are, how to answer, whom to ask, how to pause.",
    ),
    attested(
        "owner.runbook", "The runbook is written", ("promote:159",),
        "A runbook is filled in and linked: owner, backup, cost, what to do when it fails, how to pause and go back.",
    ),
    attested(
        "owner.access_is_narrow", "Whoever only reads may only read", ("deploy:36",),
        "Members who need no more than to look have the level viewer on this agent.",
    ),
)  # fmt: skip
