"""What holds where nobody set a limit: the operator's settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from signoff.budgets.states import Covers, Limit, Scope
from signoff.budgets.windows import Period
from signoff.settings import Settings


@dataclass(frozen=True, slots=True)
class Defaults:
    """The limits of whatever has none of its own, by scope, period and whose money they count."""

    caps: tuple[tuple[Scope, Period, Covers, Decimal], ...] = ()

    def limits(self, scope: Scope, target_id: str) -> list[Limit]:
        """Return what holds for a target that nobody set a limit for."""
        return [
            Limit(scope, target_id, period, covers, cap, is_default=True)
            for of, period, covers, cap in self.caps
            if of == scope
        ]

    def over(self, own: Iterable[Limit], targets: Iterable[tuple[Scope, str]]) -> list[Limit]:
        """Return every limit that holds for `targets`: their own, and the defaults where they have none."""
        found = {(limit.target_id, limit.period, limit.covers): limit for limit in own}
        for scope, target_id in targets:
            for limit in self.limits(scope, target_id):
                found.setdefault((target_id, limit.period, limit.covers), limit)
        return list(found.values())


def defaults_of(settings: Settings) -> Defaults:
    """Return the defaults of this installation."""
    wanted: tuple[tuple[Scope, Period, Covers, Decimal | None], ...] = (
        ("workspace", "day", "all", settings.workspace_day_usd_default),
        ("agent", "day", "production", settings.agent_day_usd_default),
        ("agent", "day", "test", settings.agent_test_day_usd_default),
    )
    return Defaults(tuple((scope, period, covers, cap) for scope, period, covers, cap in wanted if cap is not None))
