"""Whether a run can begin at all: its workspace works, and the money it would spend is not used up."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.budgets.pots import Payer, pots_of
from signoff.budgets.queries import spent_in
from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.model.policies.budget import money_left
from signoff.gateways.model.prices import entered_prices
from signoff.gateways.model.rehearsals import pot_of_rehearsal
from signoff.gateways.services import Services
from signoff.kit import clock
from signoff.record.actor import SYSTEM
from signoff.runs.actions import reject_run
from signoff.runs.facts import RunContext, context_of
from signoff.tables.agents import Agent
from signoff.tables.people import Environment, Workspace
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

_PLACE = Prepared(
    select(
        Workspace.time_zone,
        Workspace.suspended_at,
        Environment.name.label("environment_name"),
        Agent.name.label("agent_name"),
        Run.origin,
    )
    .join(Environment, Environment.id == Run.environment_id)
    .join(Workspace, Workspace.id == Run.workspace_id)
    .join(Agent, Agent.id == Run.agent_id)
    .where(Run.id == bindparam("of_run"))
)


def affordable(session: Session, services: Services, run: RunContext) -> Verdict:
    """Return `stop` when a limit of a day, week or month would stop the run's first model call, else `allow`."""
    place = _PLACE.one(session, {"of_run": run.run_id})
    if place.suspended_at is not None:
        return Verdict("stop", "The workspace is suspended: no run starts in it.", code="workspace_suspended")
    if run.mode == "replay":
        return ALLOW  # Answered from the record, which costs nothing.
    model = run.body.model.name
    price = services.prices.price(model, entered_prices(session, run.workspace_id, [model]))
    rehearsal = pot_of_rehearsal(session, run)
    if rehearsal is not None:
        return money_left(price, (rehearsal,), spent_in(session, [rehearsal.name]))
    payer = Payer(
        run.workspace_id, run.environment_id, place.environment_name, run.agent_id, place.agent_name, place.origin
    )
    pots = pots_of(session, payer, services.limits, time_zone=place.time_zone, now=clock.now())
    return money_left(price, pots, spent_in(session, [pot.name for pot in pots]))


def reject_unaffordable(session: Session, services: Services, run_id: str) -> str | None:
    """Reject a run that has not begun when there is no money for it. Returns the reason, None when it may begin."""
    verdict = affordable(session, services, context_of(session, run_id, leg=1))
    if verdict.kind != "stop":
        return None
    code = verdict.code or "day_budget_exceeded"
    return verdict.reason if reject_run(session, run_id, by=SYSTEM, code=code, reason=verdict.reason) else None
