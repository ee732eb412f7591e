"""The states of an incident, its severities, and the legal moves. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

IncidentState = Literal["open", "acknowledged", "mitigated", "resolved", "reviewed"]
INCIDENT_STATES: tuple[IncidentState, ...] = get_args(IncidentState)
Move = Literal["acknowledged", "mitigated", "resolved", "reviewed"]
# From the worst.
Severity = Literal["sev1", "sev2", "sev3"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
SEVERITY_WORDS: Mapping[Severity, str] = {"sev1": "SEV-1", "sev2": "SEV-2", "sev3": "SEV-3"}
# What is seen from outside, and what the severity follows from.
Symptom = Literal["unavailable", "errors", "other"]
SYMPTOMS: tuple[Symptom, ...] = get_args(Symptom)
# Whether a case of a dataset would have shown it before it served.
Caught = Literal["unknown", "yes", "no"]
TaskKind = Literal["checklist", "follow_up"]

# Somebody has to do something, or wait until it is seen to be over.
UNDER_WAY: tuple[IncidentState, ...] = ("open", "acknowledged", "mitigated")
# Where each move may begin. Whoever has already put it right need not say first that they saw it.
FROM: Mapping[Move, tuple[IncidentState, ...]] = {
    "acknowledged": ("open",),
    "mitigated": ("open", "acknowledged"),
    "resolved": UNDER_WAY,
    "reviewed": ("resolved",),
}


def may_move(state: IncidentState, move: Move) -> bool:
    """Return whether an incident in `state` may make `move`."""
    return state in FROM[move]


def is_worse(one: Severity, other: Severity) -> bool:
    """Return whether `one` is the higher severity."""
    return SEVERITIES.index(one) < SEVERITIES.index(other)
