"""What the probes said of one revision in one environment, at one moment. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Tier = Literal["low", "medium", "high", "critical"]
Severity = Literal["block", "warn", "info"]
ProbeStatus = Literal["true", "false", "missing", "stale", "waived", "attested"]

TIERS: tuple[Tier, ...] = ("low", "medium", "high", "critical")
# What keeps a release back when it is grave enough. What a person vouched for is `waived` or `attested`.
UNMET: frozenset[ProbeStatus] = frozenset({"false", "missing", "stale"})


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One item: what was measured, what was wanted, and what to do when the two differ."""

    probe: str
    title: str
    group: str
    source: str
    severity: Severity
    status: ProbeStatus
    measured: str
    wanted: str
    fix: str
    links: tuple[str, ...] = ()
    measured_at: datetime | None = None

    @property
    def is_blocking(self) -> bool:
        """Return whether this item keeps a release back."""
        return self.severity == "block" and self.status in UNMET


@dataclass(frozen=True, slots=True)
class Evidence:
    """All items, under one policy, with the risk tier they were chosen for."""

    tier: Tier
    results: tuple[ProbeResult, ...]
    policy_digest: str
    at: datetime
    tier_reasons: tuple[str, ...] = ()
    """Why it is as risky as it is, a sentence for each reason."""

    @property
    def blockers(self) -> tuple[ProbeResult, ...]:
        """Return what keeps the revision back."""
        return tuple(result for result in self.results if result.is_blocking)
