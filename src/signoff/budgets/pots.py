"""Which pots the money of one run is counted in: read with every model call, in one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, or_, select
from sqlalchemy.orm import Session

from signoff.budgets.defaults import Defaults
from signoff.budgets.states import Limit, Pot, Scope, limit_pot
from signoff.tables.limits import BudgetLimit
from signoff.tables.prepared import Prepared

_limits = cast("Table", BudgetLimit.__table__).c
_LIMITS = Prepared(
    select(
        _limits.scope, _limits.target_id, _limits.period, _limits.covers, _limits.cap_usd, _limits.alert_percent,
        _limits.is_hard,
    ).where(or_(*(_limits.target_id == bindparam(name) for name in ("of_workspace", "of_environment", "of_agent"))))
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose money a run spends, and what people call them."""

    workspace_id: str
    environment_id: str
    environment_name: str
    agent_id: str
    agent_name: str
    origin: str

    @property
    def targets(self) -> tuple[tuple[Scope, str], ...]:
        """Return what limits may be set for."""
        return (
            ("workspace", self.workspace_id),
            ("environment", self.environment_id),
            ("agent", self.agent_id),
        )

    def name_of(self, scope: Scope) -> str:
        """Return what a sentence about a limit calls its target."""
        if scope == "workspace":
            return "this workspace"
        return f"the environment {self.environment_name}" if scope == "environment" else f"the agent {self.agent_name}"


def pots_of(session: Session, payer: Payer, defaults: Defaults, *, time_zone: str, now: datetime) -> tuple[Pot, ...]:
    """Return the pots of days, weeks and months that a run's money is counted in. Its own pot is not among them."""
    of = {
        "of_workspace": payer.workspace_id, "of_environment": payer.environment_id, "of_agent": payer.agent_id,
    }  # fmt: skip
    own = [Limit(*row) for row in _LIMITS.all(session, of)]
    limits = {
        (limit.scope, limit.period, limit.covers): limit
        for limit in defaults.over(own, payer.targets)
        if limit.cap_usd is not None and limit.bounds(payer.origin)
    }
    for limit in _always(payer):
        limits.setdefault((limit.scope, limit.period, limit.covers), limit)
    return tuple(
        limit_pot(limit, payer.name_of(limit.scope), time_zone=time_zone, now=now) for limit in limits.values()
    )


def with_parents(own: Sequence[Pot], *others: Sequence[Pot]) -> tuple[Pot, ...]:
    """Return the pots of a run with those of the runs it works for, each once: nothing is counted twice in one."""
    found = {pot.name: pot for pots in reversed((own, *others)) for pot in pots}
    order = dict.fromkeys(pot.name for pots in (own, *others) for pot in pots)
    return tuple(found[name] for name in order)


def _always(payer: Payer) -> list[Limit]:
    """Return what is counted also where nothing limits it: what pages tell of each day."""
    counted = [
        Limit("workspace", payer.workspace_id, "day", "all", None),
        Limit("environment", payer.environment_id, "day", "all", None),
    ]
    if payer.origin == "test":
        counted.append(Limit("workspace", payer.workspace_id, "day", "test", None))
    return counted
