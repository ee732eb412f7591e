"""`duration`: the run took no longer than it may."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from signoff.evaluations.scoring.observed import Mark, Observed
from signoff.evaluations.scoring.settings import Settings


class TakesAtMost(Settings):
    """1 up to `seconds_max`; beyond it, the share of the time that was allowed: twice as long is 0.5."""

    seconds_max: float = Field(gt=0, le=86_400, allow_inf_nan=False)

    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Compare the duration; what the example expects does not matter."""
        took = observed.duration_seconds
        if took is None:
            return Mark(None, "How long it took is not known.")
        words = f"It took {took:.3g} s of at most {self.seconds_max:g} s."
        return Mark(1.0 if took <= self.seconds_max else self.seconds_max / took, words)
