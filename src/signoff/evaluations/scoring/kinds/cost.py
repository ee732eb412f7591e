"""`cost`: the run cost no more than it may."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import Field

from signoff.evaluations.scoring.observed import Mark, Observed
from signoff.evaluations.scoring.settings import Settings
from signoff.kit.money import dollars


class CostsAtMost(Settings):
    """1 up to `cost_usd_max`; beyond it, the share of the cost that was allowed: twice as dear is 0.5."""

    # A number or a text: money keeps its digits.
    cost_usd_max: Decimal = Field(gt=0, le=10_000, decimal_places=9, strict=False)

    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Compare the cost; what the example expects does not matter."""
        cost, most = observed.cost_usd, self.cost_usd_max
        words = f"It cost {dollars(cost)} of at most {dollars(most)}."
        return Mark(1.0 if cost <= most else float(most / cost), words)
