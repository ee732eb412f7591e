"""The reads of acts on the outside world that a person has to settle, or has settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotFound
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize, can
from signoff.runs.filters import visible
from signoff.runs.views import EffectRow
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection
from signoff.tables.keyset import newest_first
from signoff.tables.people import Environment
from signoff.tables.runs import Effect, Run


@dataclass(frozen=True, slots=True)
class EffectPlace:
    """An act, and where it was to happen."""

    effect: EffectRow
    connection: str
    connection_slug: str
    environment: str


@dataclass(frozen=True, slots=True)
class EffectDetail:
    """An act whole, as its page shows it. `siblings_open`: how many other acts its run waits for."""

    place: EffectPlace
    run_state: str
    siblings_open: int
    can_settle: bool


def effects_page(
    session: Session, viewer: Principal, *, state: str, cursor: str | None = None, size: int | None = None
) -> Page[EffectPlace]:
    """Return one page of acts in a state (`unknown` or `settled`), newest first."""
    authorize(viewer, "effect.read")
    statement = _places().where(
        Effect.workspace_id == viewer.workspace_id, Effect.state == state, *visible(viewer, "effect.read")
    )
    page = newest_first(session, statement, Effect.key, cursor=cursor, size=size)
    return Page([_place(row) for row in page.rows], page.next_cursor, page.previous_cursor)


def effect(session: Session, viewer: Principal, key: str) -> EffectDetail:
    """Return one act.

    Raises:
        NotFound: the viewer has no such act.
    """
    authorize(viewer, "effect.read")
    row = session.execute(
        _places().where(Effect.key == key, Effect.workspace_id == viewer.workspace_id, *visible(viewer, "effect.read"))
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such act in this workspace.")
    place = _place(row)
    run = session.execute(
        select(Run.state, Run.requested_by, Run.environment_id, Run.agent_id, Agent.owner_id, Agent.backup_id)
        .join(Agent, Agent.id == Run.agent_id)
        .where(Run.id == place.effect.run_id)
    ).one()
    others: Sequence[Any] = session.scalars(
        select(Effect.key).where(Effect.run_id == place.effect.run_id, Effect.state == "unknown", Effect.key != key)
    ).all()
    owners = (run.requested_by, run.owner_id, run.backup_id)
    may = can(viewer, "effect.settle", owners=owners, agent_id=run.agent_id, environment_id=run.environment_id)
    return EffectDetail(place, run.state, len(others), may)


def _places() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Effect.key, Effect.run_id, Run.agent_slug, Run.title, Effect.connection_id, Effect.call_id, Effect.tool,
            Effect.effect, Effect.args, Effect.state, Effect.result, Effect.reason, Effect.intended_at, Effect.ended_at,
            Effect.settled_by_name, Effect.settlement, Connection.name, Connection.slug, Environment.name,
        )
        .join(Run, Run.id == Effect.run_id)
        .join(Connection, Connection.id == Effect.connection_id)
        .join(Environment, Environment.id == Run.environment_id)
    )  # fmt: skip


def _place(row: Any) -> EffectPlace:
    values = tuple(row)
    return EffectPlace(EffectRow(*values[:16]), values[16], values[17], values[18])
