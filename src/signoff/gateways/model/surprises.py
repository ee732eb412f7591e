"""What a model did cost beyond the limit it was given, so that the next call reserves as much."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from signoff.kit import money

_MODELS_MAX = 10_000


@dataclass(slots=True)
class Surprises:
    """The cost of each model's last call, where that was more than the call's worst case. Of one process."""

    _cost: dict[tuple[str, str], Decimal] = field(default_factory=dict[tuple[str, str], Decimal])

    def of(self, workspace_id: str, model: str) -> Decimal:
        """Return what the last call did cost if it surprised, else nothing."""
        return self._cost.get((workspace_id, model), money.ZERO)

    def note(self, workspace_id: str, model: str, *, worst: Decimal, cost: Decimal) -> None:
        """Note a cost beyond the worst case, and forget it once a call keeps within its limit again."""
        if cost <= worst:
            self._cost.pop((workspace_id, model), None)
            return
        if len(self._cost) >= _MODELS_MAX:
            self._cost.clear()
        self._cost[workspace_id, model] = cost
