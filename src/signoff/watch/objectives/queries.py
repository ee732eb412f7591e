"""How the objectives are kept in a workspace, and in the whole installation for its metrics."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize
from signoff.watch.objectives.counting import NOTHING, Tally, tallies
from signoff.watch.objectives.promises import promises, window_name

_MINUTES_PER_DAY = 1_440


@dataclass(frozen=True, slots=True)
class ObjectiveFacts:
    """One objective as a workspace keeps it.

    Args:
        attained: the share that was good over the whole window; None when nothing happened, or it is not measured here.
        budget_left: the share of the budget of errors that is left; negative when it is overspent.
        burn_rates: window → how many times faster than allowed the budget was used up in it.
        measured_in: `runs`, or `prometheus` for what each process counts by itself.
    """

    name: str
    title: str
    objective: float
    window_days: int
    events: int
    bad: int
    attained: float | None
    budget_left: float | None
    burn_rates: dict[str, float]
    measured_in: str


def objectives(session: Session, viewer: Principal) -> list[ObjectiveFacts]:
    """Return how each objective is kept in the viewer's workspace.

    Raises:
        NotAllowed: the viewer may not see alerts.
    """
    # They are the whole workspace's, and no agent's: a grant on one is not enough.
    authorize(viewer, "alert.read", owners=(viewer.workspace_id,))
    data = promises()
    found: list[ObjectiveFacts] = []
    for objective in data.slo:
        windows = [*data.windows, objective.window_days * _MINUTES_PER_DAY]
        row = tallies(session, objective, windows, workspace_id=viewer.workspace_id).get(viewer.workspace_id)
        counted = row or [NOTHING] * len(windows)
        whole = counted[-1]
        share = whole.bad / whole.events if whole.events else None
        is_here = objective.measures != "requests"
        found.append(
            ObjectiveFacts(
                name=objective.name,
                title=objective.title,
                objective=objective.objective,
                window_days=objective.window_days,
                events=whole.events,
                bad=whole.bad,
                attained=None if share is None else round(1 - share, 6),
                budget_left=None if share is None else round(1 - share / objective.budget, 4),
                burn_rates=_rates(counted, objective.budget, data.windows) if is_here else {},
                measured_in="runs" if is_here else "prometheus",
            )
        )
    return found


def burn_rates(session: Session) -> dict[str, dict[str, float]]:
    """Return objective → window → burn rate over every workspace together, for the operator's metrics."""
    data = promises()
    found: dict[str, dict[str, float]] = {}
    for objective in data.slo:
        if objective.measures == "requests":
            continue
        rows = list(tallies(session, objective, data.windows).values())
        summed = [
            Tally(sum(row[at].events for row in rows), sum(row[at].bad for row in rows))
            for at in range(len(data.windows))
        ]
        found[objective.name] = _rates(summed, objective.budget, data.windows)
    return found


def _rates(counted: list[Tally], budget: float, windows: list[int]) -> dict[str, float]:
    return {
        window_name(window): round(tally.burn_rate(budget), 3) for window, tally in zip(windows, counted, strict=False)
    }
