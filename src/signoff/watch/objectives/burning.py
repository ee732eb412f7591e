"""Alerts when a budget of errors burns too fast: in a long window, and in a short one still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.tables.watch import Alert
from signoff.watch.actions import raise_alert, resolve_by_key
from signoff.watch.objectives.counting import Tally, tallies
from signoff.watch.objectives.promises import Burn, Objective, Promises, promises, window_name

KIND = "slo_burning"
_ALERTS_MAX = 500


@dataclass(frozen=True, slots=True)
class Burning:
    """An objective of one workspace whose budget burns too fast."""

    workspace_id: str
    objective: Objective
    burn: Burn
    long: Tally
    short: Tally

    @property
    def key(self) -> str:
        """Return what its alert is known by."""
        return f"slo:{self.objective.name}:{self.burn.name}"

    @property
    def text(self) -> str:
        """Return the fact and the next thing to do."""
        rate = self.long.burn_rate(self.objective.budget)
        return (
            f"{self.objective.title}: {self.long.bad} of {self.long.events} did not within "
            f"{window_name(self.burn.long_minutes)}, {rate:.1f} times what {self.objective.objective:.1%} allows. "
            "If it began with a new release of Signoff, go back to the one before; else look at the runs."
        )


def burning(session: Session, *, data: Promises | None = None) -> list[Burning]:
    """Return what burns too fast now, in every workspace; one query for each objective."""
    wanted = data or promises()
    windows = wanted.windows
    found: list[Burning] = []
    for objective in wanted.slo:
        for workspace_id, row in tallies(session, objective, windows).items():
            by_window = dict(zip(windows, row, strict=True))
            found += [
                Burning(workspace_id, objective, burn, by_window[burn.long_minutes], by_window[burn.short_minutes])
                for burn in wanted.burn
                if _is_too_fast(objective, burn, by_window)
            ]
    return found


def _is_too_fast(objective: Objective, burn: Burn, by_window: Mapping[int, Tally]) -> bool:
    long, short = by_window[burn.long_minutes], by_window[burn.short_minutes]
    if long.events < objective.events_min:
        return False
    return min(long.burn_rate(objective.budget), short.burn_rate(objective.budget)) >= burn.factor


def watch_objectives(session: Session) -> int:
    """Raise the alerts that are due and resolve those that are over; return how many were raised."""
    found = {(one.workspace_id, one.key): one for one in burning(session)}
    open_now = session.execute(
        select(Alert.workspace_id, Alert.open_key)
        .where(Alert.kind == KIND, Alert.open_key.is_not(None))
        .limit(_ALERTS_MAX)
    )
    opened = {(workspace_id, key or "") for workspace_id, key in open_now}
    for workspace_id, key in opened - set(found):
        resolve_by_key(session, workspace_id, key)
    fresh = [one for place, one in found.items() if place not in opened]
    for one in fresh:
        detail = {
            "objective": one.objective.name,
            "burn": one.burn.name,
            "events": one.long.events,
            "bad": one.long.bad,
            "burn_rate": round(one.long.burn_rate(one.objective.budget), 2),
        }
        raise_alert(session, one.workspace_id, key=one.key, kind=KIND, text=one.text, detail=detail)
    return len(fresh)
