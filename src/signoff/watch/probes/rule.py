"""What a policy says of one probe. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signoff.watch.probes.evidence import TIERS, Severity, Tier

# From which tier on an item blocks a release into production; below it, it warns.
BlockFrom = Literal["low", "medium", "high", "critical", "never"]
BLOCK_FROM: tuple[BlockFrom, ...] = (*TIERS, "never")


@dataclass(frozen=True, slots=True)
class Rule:
    """Severity, bar and freshness of one probe.

    Attributes:
        elsewhere: whether it blocks outside production too; else it only warns there.
        fresh_seconds: how old what was measured may be; None: it is measured at the moment it is asked.
        reason: why these, and not others.
    """

    block_from: BlockFrom
    elsewhere: bool = False
    threshold: float | None = None
    fresh_seconds: int | None = None
    reason: str = ""

    def severity(self, tier: Tier, *, is_production: bool) -> Severity:
        """Return how grave a no is for a revision of this tier."""
        if not is_production and not self.elsewhere:
            return "warn"
        return "block" if BLOCK_FROM.index(tier) >= BLOCK_FROM.index(self.block_from) else "warn"

    @property
    def bar(self) -> float:
        """Return the threshold of a probe that has one."""
        if self.threshold is None:
            raise ValueError("this probe has no threshold; policy.yaml gives it one")
        return self.threshold

    @property
    def bar_text(self) -> str:
        """Return the threshold as a person writes it."""
        return "" if self.threshold is None else f"{self.threshold:g}"
