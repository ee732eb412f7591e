"""Releases in words: their states, the parts of their way, evidence by group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from signoff.releases.states import ReleaseState
from signoff.releases.views import ReleaseFacts
from signoff.watch.probes.evidence import UNMET, ProbeResult

STATE_WORDS: dict[ReleaseState, str] = {
    "requested": "Asked for",
    "gated": "Through the gate",
    "scheduled": "Waits for its time",
    "shadow": "In the shadow",
    "canary": "Canary",
    "live": "Live",
    "watching": "Being watched",
    "settled": "Settled",
    "refused": "Refused",
    "aborted": "Called off",
    "rolled_back": "Rolled back",
}
_SEVERITIES = {"block": 0, "warn": 1, "info": 2}
_ENDED = ("refused", "aborted", "rolled_back")


def way_of(facts: ReleaseFacts) -> list[tuple[str, str]]:
    """Return the parts of a release's way, each done, here, or still to come."""
    strategy: Mapping[str, Any] = facts.strategy
    parts: list[tuple[str, Sequence[ReleaseState]]] = [("Gate", ("requested",))]
    if strategy.get("at") or strategy.get("window"):
        parts.append(("Its time", ("scheduled",)))
    if strategy.get("shadow"):
        parts.append((f"Shadow, {strategy['shadow'].get('days')} days", ("shadow",)))
    if canary := strategy.get("canary"):
        shares = [str(step["share_percent"]) for step in canary.get("steps", ())]
        parts.append((f"Canary {' → '.join(shares)} %" if shares else "Cohort", ("canary",)))
    rest: Sequence[tuple[str, Sequence[ReleaseState]]] = (
        ("Live", ("gated", "live")), ("Watched", ("watching",)), ("Settled", ("settled",)),
    )  # fmt: skip
    parts.extend(rest)
    here = next((number for number, (_, states) in enumerate(parts) if facts.state in states), None)
    if here is None:  # It ended on its way, and what it came to stands in its timeline.
        return [(name, "next") for name, _ in parts[:-1]] + [(STATE_WORDS[facts.state], "here")]
    done = [(name, "done") for name, _ in parts[:here]]
    now = "done" if facts.state == "settled" else "here"
    return [*done, (parts[here][0], now), *((name, "next") for name, _ in parts[here + 1 :])]


def is_ended_badly(state: str) -> bool:
    """Return whether a release ended without serving, or was taken back."""
    return state in _ENDED


def by_group(results: Iterable[ProbeResult]) -> list[tuple[str, list[ProbeResult]]]:
    """Return evidence by its groups, what is gravest and unmet first in each, and such groups first."""
    groups: dict[str, list[ProbeResult]] = {}
    for one in results:
        groups.setdefault(one.group, []).append(one)
    for group in groups.values():
        group.sort(key=_order)
    return sorted(((name.capitalize(), group) for name, group in groups.items()), key=lambda pair: _order(pair[1][0]))


def _order(one: ProbeResult) -> tuple[bool, int, str]:
    return one.status not in UNMET, _SEVERITIES[one.severity], one.title


def kept_results(evidence: Mapping[str, Mapping[str, Any]]) -> list[ProbeResult]:
    """Return the results that a release kept when its gate was asked."""
    return [
        ProbeResult(
            probe=probe, title=str(row.get("title", "")), group=str(row.get("group", "")),
            source=str(row.get("source", "")), severity=row.get("severity", "info"),
            status=row.get("status", "missing"),
            measured=str(row.get("measured", "")), wanted=str(row.get("wanted", "")), fix=str(row.get("fix", "")),
        )
        for probe, row in evidence.items()
    ]  # fmt: skip
