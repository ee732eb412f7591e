"""What stops when a connection is disconnected: agents, runs under way, secrets, the login. Shown before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.connections.live_use import LiveUse, live_use
from signoff.connections.logins.queries import login_of
from signoff.connections.logins.views import LoginView
from signoff.connections.lookup import connection_for
from signoff.people.access import Principal, reach
from signoff.tables.connections import Connection, Secret
from signoff.tables.people import Environment
from signoff.tables.runs import Run

RUNS_SHOWN = 20
_OPEN = ("queued", "running", "waiting")


@dataclass(frozen=True, slots=True)
class RunUnderWay:
    """A run that may still want to use the connection."""

    id: str
    agent_slug: str
    agent_name: str
    revision_number: int
    state: str
    waiting_for: str | None
    title: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """What stops working.

    Args:
        runs: the newest of the runs under way; empty when the viewer may not read others' runs.
        secrets: the names of the secrets that are deleted.
    """

    connection_id: str
    connection_slug: str
    connection_name: str
    environment: str
    is_production: bool
    agents: tuple[LiveUse, ...]
    queued: int
    running: int
    waiting: int
    runs: tuple[RunUnderWay, ...]
    secrets: tuple[str, ...]
    login: LoginView | None

    @property
    def under_way(self) -> int:
        """Return how many runs may still want to use it."""
        return self.queued + self.running + self.waiting


def blast_radius(session: Session, viewer: Principal, connection_id: str) -> BlastRadius:
    """Return what a disconnect would stop now. It changes nothing.

    Raises:
        NotFound: there is no such connection for the viewer.
        NotAllowed: the viewer may not disconnect it.
    """
    found = connection_for(session, viewer, connection_id, "connection.manage")
    environment = session.get_one(Environment, found.environment_id)
    agents = live_use(session, viewer, connection_id)
    counts = _counts(session, found, [agent.agent_id for agent in agents])
    return BlastRadius(
        connection_id=found.id,
        connection_slug=found.slug,
        connection_name=found.name,
        environment=environment.slug,
        is_production=environment.is_production,
        agents=agents,
        queued=counts.get("queued", 0),
        running=counts.get("running", 0),
        waiting=counts.get("waiting", 0),
        runs=_runs(session, viewer, found, [agent.agent_id for agent in agents]),
        secrets=tuple(
            session.scalars(select(Secret.name).where(Secret.connection_id == found.id).order_by(Secret.name))
        ),
        login=login_of(session, viewer, connection_id),
    )


def _counts(session: Session, found: Connection, agent_ids: list[str]) -> dict[str, int]:
    rows = session.execute(
        select(Run.state, func.count())
        .where(Run.agent_id.in_(agent_ids), Run.environment_id == found.environment_id, Run.state.in_(_OPEN))
        .group_by(Run.state)
    )
    return {state: int(count) for state, count in rows}


def _runs(session: Session, viewer: Principal, found: Connection, agent_ids: list[str]) -> tuple[RunUnderWay, ...]:
    if reach(viewer, "run.read") != "all":
        return ()
    rows = session.execute(
        select(
            Run.id, Run.agent_slug, Run.agent_name, Run.revision_number, Run.state, Run.waiting_for, Run.title,
            Run.created_at,
        )
        .where(Run.agent_id.in_(agent_ids), Run.environment_id == found.environment_id, Run.state.in_(_OPEN))
        .order_by(Run.id.desc())
        .limit(RUNS_SHOWN)
    )  # fmt: skip
    return tuple(RunUnderWay(*row) for row in rows)
