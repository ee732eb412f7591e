"""Rehearsing the way back, with a clock: in production by a switch that is undone, elsewhere for real."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.deployments.actions import environment_for
from signoff.deployments.queries import live_revision
from signoff.deployments.rights import place_of
from signoff.deployments.switching import record_switch, switch
from signoff.deployments.traffic import route
from signoff.kit import clock, ids
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.releases import gate
from signoff.releases.actions.opening import under_way
from signoff.releases.actions.reverting import proposed
from signoff.releases.refusals import NothingToRollBackTo
from signoff.releases.rows import open_release
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment
from signoff.tables.releases import Drill
from signoff.tables.session import Store

# The promise is five seconds; a drill that takes longer has failed.
PASSES_BELOW_MS = 5_000
_REASON = "A rollback drill"


def drill_rollback(session: Session, principal: Principal, agent: str, *, environment: str) -> str:
    """Measure how long going back takes until a new run would get the older revision, then undo it. Nobody notices.

    Returns the drill's id.

    Raises:
        NotFound, NotAllowed: as for deploying the agent.
        NothingToRollBackTo: nothing served there before.
    """
    row, place = _place(session, principal, agent, environment)
    live, target = _pair(session, row, place)
    began = clock.monotonic_seconds()
    trial = session.begin_nested()
    unsafe = gate.unsafe(session, row, place, target)
    switched = unsafe is None and switch(session, row, place, target, live)
    taken = route(session, row.id, place.id, "drill") if switched else None
    took = _milliseconds(began)
    trial.rollback()
    is_there = taken is not None and taken.revision_id == target.id
    words = unsafe.detail if unsafe else "A new run got the older revision; then all was undone."
    return _keep(session, principal, row, place, live, target, "rehearsed", took, is_there=is_there, text=words)


def drill_for_real(store: Store, principal: Principal, agent: str, *, environment: str) -> str:
    """Go back and forth for real where nothing is at stake, and measure until another reader sees it; in production
    rehearse it. Returns the drill's id.

    Raises: what `drill_rollback` raises.
    """
    with store.read() as session:
        row, place = _place(session, principal, agent, environment)
    if place.is_production:
        with store.write() as session:
            return drill_rollback(session, principal, agent, environment=environment)
    with store.read() as session:
        if open_release(session, row.id, place.id) is not None:
            raise under_way(session, row, place)
        live, target = _pair(session, row, place)
        serving = session.get_one(Revision, live)
        release_id = session.get_one(LiveRevision, (row.id, place.id)).release_id
    began = clock.monotonic_seconds()
    is_there = _go(store, principal, row, place, live, target, release_id)
    took = _milliseconds(began)
    is_back = is_there and _go(store, principal, row, place, target.id, serving, release_id)
    words = "A new run got the older revision; then what served before served again."
    with store.write() as session:
        return _keep(
            session, principal, row, place, live, target, "real", took, is_there=is_back,
            text=words if is_back else "Somebody switched meanwhile, or it could not be switched back and forth.",
        )  # fmt: skip


def _go(
    store: Store,
    principal: Principal,
    row: Agent,
    place: Environment,
    before: str,
    target: Revision,
    release_id: str | None,
) -> bool:
    """Switch once, in a transaction of its own, and look with the eyes of another reader. A drill is no release: what
    made the serving revision live goes on being named."""
    with store.write() as session:
        if gate.unsafe(session, row, place, target) is not None:
            return False
        if not switch(session, row, place, target, before, release_id=release_id):
            return False
        record_switch(session, row, place, target, before, by=principal.actor, reason=_REASON, release_id=release_id)
    with store.read() as session:
        return live_revision(session, row.id, place.id) == target.id


def _place(session: Session, principal: Principal, agent: str, environment: str) -> tuple[Agent, Environment]:
    row = agent_for(session, principal, agent, "agent.deploy")
    place = environment_for(session, principal, environment)
    authorize(principal, "agent.deploy", owners=(row.owner_id, row.backup_id), agent_id=row.id, place=place_of(place))
    return row, place


def _pair(session: Session, row: Agent, place: Environment) -> tuple[str, Revision]:
    live = live_revision(session, row.id, place.id)
    target_id = proposed(session, row.id, place.id, live) if live is not None else None
    if live is None or target_id is None:
        raise NothingToRollBackTo(
            f"Nothing served {place.slug} before that one could go back to. Release a second revision, then drill."
        )
    return live, session.get_one(Revision, target_id)


def _keep(
    session: Session,
    principal: Principal,
    row: Agent,
    place: Environment,
    live: str,
    target: Revision,
    kind: Literal["rehearsed", "real"],
    took: int,
    *,
    is_there: bool,
    text: str,
) -> str:
    drill = Drill(
        id=ids.new_id("drl"), workspace_id=row.workspace_id, agent_id=row.id, environment_id=place.id, kind=kind,
        from_revision_id=live, to_revision_id=target.id, milliseconds=took,
        is_passed=is_there and took < PASSES_BELOW_MS, text=text, by=principal.id, by_name=principal.name,
        at=clock.now(),
    )  # fmt: skip
    session.add(drill)
    session.flush()
    audit.write(
        session, workspace_id=row.workspace_id, actor=principal.actor, action="rollback.drilled", object_kind="agent",
        object_id=row.id,
        detail={
            "drill": drill.id, "environment": place.slug, "kind": kind, "milliseconds": took,
            "is_passed": drill.is_passed,
        },
    )  # fmt: skip
    return drill.id


def _milliseconds(began: float) -> int:
    return round((clock.monotonic_seconds() - began) * 1_000)
