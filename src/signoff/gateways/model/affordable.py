"""Whether a run can begin at all: its workspace works, and its money of today is not used up."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.budgets.queries import spent_in
from signoff.budgets.states import day_pot, environment_pot
from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.model.policies.budget import money_left
from signoff.gateways.model.prices import entered_prices
from signoff.gateways.services import Services
from signoff.kit import clock
from signoff.runs.facts import RunContext
from signoff.tables.people import Environment, Workspace
from signoff.tables.prepared import Prepared

_PLACE = Prepared(
    select(
        Workspace.daily_cap_usd,
        Workspace.time_zone,
        Environment.name.label("environment_name"),
        Environment.daily_cap_usd.label("environment_cap_usd"),
    )
    .join(Environment, Environment.workspace_id == Workspace.id)
    .where(Environment.id == bindparam("of_environment"))
)


def affordable(session: Session, services: Services, run: RunContext) -> Verdict:
    """Return `stop` when the run's first model call would be stopped by a daily cap, else `allow`."""
    workspace = session.get_one(Workspace, run.workspace_id)
    if workspace.suspended_at is not None:
        return Verdict("stop", "The workspace is suspended: no run starts in it.", code="workspace_suspended")
    if run.mode == "replay":
        return ALLOW  # Answered from the record, which costs nothing.
    model = run.body.model.name
    price = services.prices.price(model, entered_prices(session, run.workspace_id, [model]))
    place = _PLACE.one(session, {"of_environment": run.environment_id})
    zone, now = place.time_zone, clock.now()
    pots = (
        day_pot(run.workspace_id, place.daily_cap_usd, time_zone=zone, now=now),
        environment_pot(
            run.environment_id, place.environment_cap_usd, name=place.environment_name, time_zone=zone, now=now
        ),
    )
    return money_left(price, pots, spent_in(session, [pot.name for pot in pots]))
