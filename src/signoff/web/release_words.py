"""Releases in words: their states, the parts of their way, evidence by group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signoff.releases.states import ReleaseState
from signoff.releases.strategy import in_days
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
_ENDED = ("refused", "aborted", "rolled_back")


def way_of(facts: ReleaseFacts) -> list[tuple[str, str]]:
    """Return the parts of a release's way, each done, here, or still to come."""
    strategy: Mapping[str, Any] = facts.strategy
    parts: list[tuple[str, Sequence[ReleaseState]]] = [("Gate", ("requested",))]
    if strategy.get("at") or strategy.get("window"):
        parts.append(("Its time", ("scheduled",)))
    if strategy.get("shadow"):
        parts.append((f"Shadow, {in_days(strategy['shadow'].get('days', 1))}", ("shadow",)))
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


@dataclass(frozen=True, slots=True)
class Weighed:
    """Evidence by what it means for the release: what keeps it back, what is only told, what holds."""

    keeps_back: tuple[ProbeResult, ...]
    told: tuple[ProbeResult, ...]
    holds: tuple[ProbeResult, ...]

    @property
    def is_empty(self) -> bool:
        """Return whether nothing was asked."""
        return not (self.keeps_back or self.told or self.holds)


def weighed(results: Iterable[ProbeResult]) -> Weighed:
    """Return evidence by its weight, each part by group and title."""
    ordered = sorted(results, key=lambda one: (one.group, one.title))
    unmet = [one for one in ordered if one.status in UNMET]
    return Weighed(
        keeps_back=tuple(one for one in unmet if one.is_blocking),
        told=tuple(one for one in unmet if not one.is_blocking),
        holds=tuple(one for one in ordered if one.status not in UNMET),
    )


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
