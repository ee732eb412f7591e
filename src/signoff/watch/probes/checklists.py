"""The checklists this product is held to: each item with the document and the line that asks for it. Pure.

A probe names the items it answers; a contract test holds that no item is left without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

# Short name → how a person would look the document up.
DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "promote": "Promote to Production",
        "week": "The first week in production",
        "deploy": "Deployment: production checklist",
        "runbook": "Deployment runbook",
        "checklist": "Production checklist",
        "mature": "Production checklist: day 90",
        "guardrails": "Guardrails for high-risk automations",
    }
)

_PROMOTE = {
    13: "at least three end-to-end test runs without unexpected failures",
    14: "approval gates exercised: requests seen, one denied, and the denial handled",
    15: "edge cases handled in the SOP or accepted as known gaps",
    16: "no unexplained errors in recent runs",
    22: "connections point to production accounts, not personal or sandbox ones",
    23: "logins and secrets belong to a service account or shared login",
    24: "permissions of connections scoped to the minimum required",
    28: "every irreversible, expensive or externally visible action has an approval gate",
    29: "approval descriptions give enough context to decide",
    30: "escalation defined: a request ignored for 24 hours, or denied twice",
    34: "cost per run acceptable for the expected frequency",
    35: "typical duration fits the SLA of the business process, and its deadline of the day",
    36: "cost or duration higher than expected is investigated before going live",
    40: "one named person is responsible",
    41: "that person knows, and understands what the agent does",
    42: "a backup contact is identified",
    46: "the previous working revision is identified and accessible",
    47: "the team knows how to pause, and who may",
    77: "a volume cap for the first weeks",
    84: "writes within business hours only",
    91: "the source of triggers restricted at first",
    111: "whoever monitors may see the results",
    120: "memory per person or shared: decided before the first production run",
    129: "logins and secrets are accessible when the agent runs",
    130: "operators who start it by hand can see it",
    131: "no login out of a personal vault",
    137: "operators told what the agent does and what triggers it",
    138: "operators told where to find runs and how to read their states",
    139: "operators told how to answer requests",
    140: "operators told whom to contact",
    141: "operators told how to pause it in an emergency",
    149: "at least one notification path configured",
    159: "a runbook filled in, where the whole team finds it",
    197: "a build owner",
    198: "an operations owner",
    199: "somebody who handles approval requests",
    207: "the escalation path begins with the primary owner",
    208: "a backup owner with the role manager at least",
    209: "an escalation manager who may pause, revert and disable",
    211: "an owner of last resort",
    217: "a change of owner moves logins and secrets",
    220: "a new owner has completed a run by hand before anything starts by itself",
}
_WEEK = {
    4: "pending requests are no more than expected",
    5: "no request sits unanswered for more than a few hours",
    9: "under 5 % of what is processed fails",
    10: "the rate that needs input is stable or declining",
    13: "failed runs are looked at, and cluster nowhere",
    14: "connections behind failures are still authorised",
    15: "cost per run is at its baseline",
    18: "three to five completed runs read at random",
    23: "as many runs as expected",
    48: "runs take no longer than during testing",
    68: "failed rate under 5 % and stable or declining",
    69: "needs-input rate stable or declining",
    70: "no cost or latency spikes",
    71: "spot checks look correct, nothing unresolved in the inbox",
}
_DEPLOY = {
    6: "the revision works on the inputs you care about",
    7: "scores match or beat the live baseline, no regression on critical cases",
    8: "you know exactly what changed",
    9: "new integrations are connected and authorised",
    11: "every secret that is referred to exists",
    12: "budget alerts and caps still fit; sub-agents are live or pinned",
    13: "you know which revision you would go back to",
    17: "the first real runs watched",
    18: "the first conversations read",
    19: "cost per run as in evaluation, no runaway loops",
    20: "errors at baseline",
    34: "sub-agents pinned where their behaviour is critical",
    35: "budget caps, not just alerts",
    36: "whoever only reads is a viewer",
    37: "the live revision evaluated on a schedule",
}
_RUNBOOK = {
    20: "the artifact to deploy is named",
    21: "every value of the environment is there",
    28: "the state of the database migrations is known",
    31: "quality gates passed",
    35: "migrations committed and ordered",
    36: "the revision to deploy is final",
    37: "secrets present in the target environment",
    38: "rollback target identified",
    42: "the artifact was deployed to staging",
    43: "staging migrated",
    47: "smoke checks passed in staging",
    52: "production gets the same artifact",
    54: "production migrated",
    55: "smoke checks passed in production",
    58: "request error rate",
    59: "p95 latency",
    60: "the queue moves",
    61: "access controls refuse whoever they should",
    63: "at least one run has its output",
    67: "rollback to the previous known-good revision",
    90: "a release owner",
    91: "an API owner",
    92: "a data owner",
}
_CHECKLIST = {
    10: "shadow mode for five days or more, with acceptable metrics",
    11: "all edge cases from shadow mode handled",
    12: "an outage of the model is handled",
    13: "an outage of a data source is handled",
    14: "malformed answers of the model are handled",
    15: "long inputs are cut, not failed on",
    16: "the same input twice makes no duplicates",
    17: "rollback in under 5 minutes",
    20: "no credentials in code",
    21: "token refresh works",
    22: "nothing sensitive is logged",
    23: "rates limited where others can trigger",
    24: "database credentials rotatable without a redeployment",
    27: "heartbeat monitored",
    28: "told when expected output does not happen by its deadline",
    29: "told of consecutive failures of the model's API",
    30: "told when a token refresh fails",
    31: "told when daily spend exceeds its baseline",
    32: "told when more than 5 % of runs fail in an hour",
    35: "every model call traced with full input and output",
    36: "structured logs with an id per run",
    37: "key metrics tracked",
    38: "any run replayed from its trace within 30 seconds",
    41: "evaluation automated and runnable in CI",
    42: "a baseline on a holdout set",
    43: "a weekly scorecard ready",
    44: "feedback is collected",
}
_MATURE = {
    147: "it is given more to do once it is reliable: four weeks or more, on target",
}
# What each level of risk asks beside the checklists.
_GUARDRAILS = {
    1: "high risk: hard caps on volume and spend",
    2: "high risk: lists of allowed and denied values",
    3: "critical risk: two people review the SOP",
}

_ALL = {
    "promote": _PROMOTE, "week": _WEEK, "deploy": _DEPLOY, "runbook": _RUNBOOK, "checklist": _CHECKLIST,
    "mature": _MATURE, "guardrails": _GUARDRAILS,
}  # fmt: skip
# `promote:13` → what stands there.
ITEMS: Mapping[str, str] = MappingProxyType(
    {f"{document}:{line}": text for document, items in _ALL.items() for line, text in items.items()}
)


def source_of(asked: Iterable[str]) -> str:
    """Return where some items stand, as a person reads it: `Promote to Production, lines 13 and 16`."""
    found: dict[str, list[str]] = {}
    for name in asked:
        document, _, line = name.partition(":")
        found.setdefault(document, []).append(line)
    return "; ".join(f"{DOCUMENTS[document]}, {_lines(lines)}" for document, lines in found.items())


def _lines(lines: list[str]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    return f"lines {', '.join(lines[:-1])} and {lines[-1]}"
