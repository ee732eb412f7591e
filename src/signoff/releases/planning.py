"""What going back would do, before it is done: what is in flight, and what the revision did since it went live."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.deployments.actions import environment_for
from signoff.deployments.rights import place_of
from signoff.people.access import Principal, authorize
from signoff.releases.actions.reverting import proposed
from signoff.releases.refusals import NothingToRollBackTo
from signoff.releases.rows import open_release, shipment_for
from signoff.releases.served import served_before
from signoff.releases.views import InFlight, RollbackPlan, ServedFacts, WriteFacts
from signoff.tables.agents import Agent, Revision
from signoff.tables.approvals import Approval
from signoff.tables.connections import Tool
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment
from signoff.tables.releases import Release
from signoff.tables.runs import Effect, Run

WRITES_SHOWN = 200
# What a tool may say among its annotations of how an act of it is taken back: the name of a tool of the same
# connection. It is told to people and never called by itself.
COMPENSATION = "compensatedBy"
_ACTED = ("done", "unknown", "intended", "settled")


def plan_rollback(session: Session, viewer: Principal, agent: str, environment: str) -> RollbackPlan:
    """Return what going back would do. While a canary is under way, it is about the candidate.

    Raises:
        NotFound, NotAllowed: as for deploying the agent.
        NothingToRollBackTo: nothing serves there.
    """
    row = agent_for(session, viewer, agent, "agent.deploy")
    place = environment_for(session, viewer, environment)
    authorize(viewer, "agent.deploy", owners=(row.owner_id, row.backup_id), agent_id=row.id, place=place_of(place))
    live = session.get(LiveRevision, (row.id, place.id), populate_existing=True)
    if live is None:
        raise NothingToRollBackTo(f"Nothing serves {place.slug}.")
    rival = open_release(session, row.id, place.id)
    is_canary = rival is not None and rival.state == "canary"
    bad_id = rival.revision_id if rival is not None and is_canary else live.revision_id
    # `step_since` of a canary moves with its steps; the candidate has had runs since it was let through.
    since = rival.requested_at if rival is not None and is_canary else live.changed_at
    served = tuple(served_before(session, row.id, place.id, live.revision_id))
    wanted = proposed(session, row.id, place.id, live.revision_id)
    target = next((one for one in served if one.revision_id == wanted), None)
    if is_canary:
        now = session.get_one(Revision, live.revision_id)
        target = ServedFacts(now.id, now.number, was_rolled_back=False)
    writes, total = _writes(session, row, place, bad_id, since)
    return RollbackPlan(
        agent_id=row.id, agent_slug=row.slug, environment=place.slug, from_revision_id=bad_id,
        from_number=session.get_one(Revision, bad_id).number, live_since=since,
        candidate_release_id=rival.id if rival is not None and is_canary else None, target=target, targets=served,
        in_flight=in_flight(session, row, place, bad_id), writes=writes, writes_total=total,
    )  # fmt: skip


def in_flight(session: Session, agent: Agent, place: Environment, revision_id: str) -> InFlight:
    """Return what is under way under a revision in an environment."""
    here = (Run.agent_id == agent.id, Run.environment_id == place.id, Run.revision_id == revision_id)
    is_open = Run.state.in_(("queued", "running", "waiting"))
    rows = session.execute(
        select(Run.state, Run.waiting_for, func.count()).where(*here, is_open).group_by(Run.state, Run.waiting_for)
    ).all()

    def counted(state: str, waiting_for: str | None = None) -> int:
        return sum(int(row[2]) for row in rows if row[0] == state and waiting_for in (None, row[1]))

    asked = session.scalar(
        select(func.count())
        .select_from(Approval)
        .where(
            Approval.agent_id == agent.id, Approval.state == "pending", Approval.environment_id == place.id,
            Approval.revision_id == revision_id,
        )
    )  # fmt: skip
    return InFlight(counted("queued"), counted("running"), counted("waiting"), counted("waiting", "window"), asked or 0)


def writes_undone_by(session: Session, viewer: Principal, release_id: str) -> tuple[tuple[WriteFacts, ...], int]:
    """Return what was done in the world under the revision that a rollback, or a canary taken away, ended; the newest
    of it, and how many acts there are.

    Nothing, when it ended nothing.

    Raises:
        NotFound: there is no such release here.
    """
    made = shipment_for(session, viewer, release_id, "agent.read")
    release = made.release
    if release.is_rollback and release.previous_revision_id is not None:
        bad = session.get(Release, release.rolls_back_id) if release.rolls_back_id else None
        since = bad.requested_at if bad is not None else datetime.min.replace(tzinfo=release.requested_at.tzinfo)
        return _writes(session, made.agent, made.place, release.previous_revision_id, since)
    if release.state == "rolled_back":
        return _writes(session, made.agent, made.place, release.revision_id, release.requested_at)
    return (), 0


def _writes(
    session: Session, agent: Agent, place: Environment, revision_id: str, since: datetime
) -> tuple[tuple[WriteFacts, ...], int]:
    bounds: list[ColumnElement[bool]] = [
        Run.revision_id == revision_id, Run.agent_id == agent.id, Run.environment_id == place.id,
        Effect.intended_at >= since, Effect.effect != "read", Effect.state.in_(_ACTED),
    ]  # fmt: skip
    rows = session.execute(
        select(Effect, Run.title)
        .join(Run, Run.id == Effect.run_id)
        .where(*bounds)
        .order_by(Effect.intended_at.desc(), Effect.key)
        .limit(WRITES_SHOWN)
    ).all()
    total: int | None = len(rows)
    if len(rows) == WRITES_SHOWN:
        acts = select(func.count()).select_from(Effect).join(Run, Run.id == Effect.run_id)
        total = session.scalar(acts.where(*bounds))
    tools = session.execute(
        select(Tool.connection_id, Tool.name, Tool.definition).where(
            Tool.connection_id.in_({row.Effect.connection_id for row in rows}),
            Tool.name.in_({_name(row.Effect) for row in rows}),
        )
    )
    declared = {(one.connection_id, one.name): _compensation(one.definition) for one in tools}
    return tuple(_write(row.Effect, row.title, declared) for row in rows), total or 0


def _write(act: Effect, title: str, declared: dict[tuple[str, str], str | None]) -> WriteFacts:
    return WriteFacts(
        act.key, act.run_id, title, act.tool, act.effect, act.state, act.args, act.intended_at,
        declared.get((act.connection_id, _name(act))),
    )  # fmt: skip


def _name(act: Effect) -> str:
    return act.tool.partition(".")[2]


def _compensation(definition: Any) -> str | None:
    said = cast("dict[str, Any]", definition).get("annotations") if isinstance(definition, dict) else None
    named = cast("dict[str, Any]", said).get(COMPENSATION) if isinstance(said, dict) else None
    return named[:200] if isinstance(named, str) and named else None
