"""Whether a run can begin at all, as far as the workspace's money of today goes."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.budgets.queries import spent_in
from signoff.budgets.states import day_pot
from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.model.policies.budget import money_left
from signoff.gateways.model.prices import entered_prices
from signoff.gateways.services import Services
from signoff.kit import clock
from signoff.runs.facts import RunContext
from signoff.tables.people import Workspace
from signoff.tables.prepared import Prepared

_WORKSPACE = Prepared(
    select(Workspace.daily_cap_usd, Workspace.time_zone).where(Workspace.id == bindparam("of_workspace"))
)


def affordable(session: Session, services: Services, run: RunContext) -> Verdict:
    """Return `stop` when the run's first model call would be stopped by the daily cap, else `allow`."""
    if run.mode == "replay":
        return ALLOW  # Answered from the record, which costs nothing.
    model = run.body.model.name
    price = services.prices.price(model, entered_prices(session, run.workspace_id, [model]))
    workspace = _WORKSPACE.one(session, {"of_workspace": run.workspace_id})
    pot = day_pot(run.workspace_id, workspace.daily_cap_usd, time_zone=workspace.time_zone, now=clock.now())
    return money_left(price, (pot,), spent_in(session, [pot.name]))
