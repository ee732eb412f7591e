"""In what a revision goes beyond what serves, and how the last weeks of what serves were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, literal, select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.revisions import revision_body
from signoff.tables.agents import Agent
from signoff.tables.people import Environment
from signoff.tables.signals import Signal
from signoff.watch.probes.facts import Expansion, ToolFact, WeekFact
from signoff.watch.probes.widening import widenings

WEEKS_MAX = 26
_WEEK = timedelta(days=7)


def expansion_of(
    session: Session,
    agent: Agent,
    place: Environment,
    body: Body,
    tools: Mapping[tuple[str, str], ToolFact],
    live_revision_id: str | None,
    *,
    weeks: int,
    now: datetime,
) -> Expansion:
    """Return it. Outside production, and where nothing serves yet, nothing is widened; runs are read only if it is."""
    if not place.is_production or live_revision_id is None:
        return Expansion()

    def effect_of(slot: str, tool: str) -> str:
        known = tools.get((slot, tool))
        return known.effect if known is not None else "irreversible"

    found = widenings(revision_body(session, live_revision_id), body, effect_of)
    if not found:
        return Expansion()
    return Expansion(found, tuple(_weeks(session, agent, place, min(weeks, WEEKS_MAX), now)))


def _weeks(session: Session, agent: Agent, place: Environment, number: int, now: datetime) -> list[WeekFact]:
    """Return the last weeks, the newest first, in one query."""
    if number < 1:
        return []
    back = case(*((Signal.ended_at >= now - (at + 1) * _WEEK, literal(at)) for at in range(number)), else_=number)
    inner = (
        select(
            back.label("back"), Signal.is_error, Signal.needed_input, Signal.approvals_asked, Signal.approvals_denied,
            Signal.cost_usd,
        )
        .where(
            Signal.workspace_id == agent.workspace_id, Signal.ended_at >= now - number * _WEEK, Signal.ended_at < now,
            Signal.agent_id == agent.id, Signal.environment_id == place.id, Signal.mode == "live",
            Signal.origin == "production",
        )
        .subquery()
    )  # fmt: skip
    one = inner.c
    rows: dict[int, Any] = {
        int(row.back): row
        for row in session.execute(
            select(
                one.back, func.count().label("runs"), func.count().filter(one.is_error).label("errors"),
                func.count().filter(one.needed_input).label("needed"), func.sum(one.approvals_asked).label("asked"),
                func.sum(one.approvals_denied).label("denied"), func.sum(one.cost_usd).label("cost"),
            ).group_by(one.back)
        )
    }  # fmt: skip
    return [_fact(rows.get(at)) for at in range(number)]


def _fact(row: Any) -> WeekFact:
    if row is None:
        return WeekFact()
    asked = int(row.asked or 0)
    return WeekFact(
        runs=int(row.runs),
        failed_percent=100 * int(row.errors) / int(row.runs),
        needs_input_percent=100 * int(row.needed) / int(row.runs),
        denied_percent=100 * int(row.denied or 0) / asked if asked else 0.0,
        cost_usd=float(row.cost or 0) / int(row.runs),
    )
