"""What the page of the installation's operation shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.freezes.maintenance import MaintenanceFacts, PastMaintenance, history, standing
from signoff.people.access import Principal
from signoff.people.actions.instance import authorize_instance
from signoff.watch.objectives.promises import Burn, promises, window_name
from signoff.watch.objectives.queries import burn_rates
from signoff.web.refused import NOT_REFUSED, Refused


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast the budget of errors is used up in one window. `is_burning`: faster than an alert allows."""

    window: str
    rate: float
    is_burning: bool


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """One objective over all workspaces. `rates` empty: each process counts it for Prometheus."""

    title: str
    percent: float
    window_days: int
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class OperationView:
    """The page. `now`: the maintenance that stands."""

    now: MaintenanceFacts | None
    past: tuple[PastMaintenance, ...]
    objectives: tuple[ObjectiveRow, ...]
    refused: Refused = NOT_REFUSED


def load(session: Session, viewer: Principal, *, refused: Refused = NOT_REFUSED) -> OperationView:
    """Return the view. The session must see every workspace.

    Raises:
        NotAllowed: the viewer is no instance administrator.
    """
    authorize_instance(session, viewer)
    data, found = promises(), burn_rates(session)
    rows = tuple(
        ObjectiveRow(
            one.title, round(one.objective * 100, 3), one.window_days, _rates(found.get(one.name, {}), data.burn)
        )
        for one in data.slo
    )
    return OperationView(standing(session), tuple(history(session)), rows, refused)


def _rates(found: dict[str, float], burns: list[Burn]) -> tuple[Rate, ...]:
    """An alert takes both of its windows; a window is marked where its own rate is over the lowest factor it serves."""
    factors: dict[str, float] = {}
    for burn in burns:
        for minutes in (burn.long_minutes, burn.short_minutes):
            name = window_name(minutes)
            factors[name] = min(burn.factor, factors.get(name, burn.factor))
    return tuple(Rate(window, rate, rate > factors.get(window, rate)) for window, rate in found.items())
