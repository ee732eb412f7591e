"""Going back, whoever wants it: one switch to what served before, kept as a release of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.retired import retirements
from signoff.deployments.canary import clear_candidate
from signoff.deployments.queries import live_revision
from signoff.deployments.shadowing import end_shadow
from signoff.record.actor import SYSTEM, Actor
from signoff.releases import gate
from signoff.releases.actions.going import go_live
from signoff.releases.actions.moves import move
from signoff.releases.actions.opening import open_shipment, refuse
from signoff.releases.rows import Shipment, open_release
from signoff.releases.served import served_before
from signoff.releases.strategy import PLAIN
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment
from signoff.tables.releases import Release

_BEEN_LIVE = ("live", "watching", "settled")


def revert(
    session: Session,
    agent: Agent,
    place: Environment,
    before: str,
    target: Revision,
    *,
    by: Actor,
    reason: str,
    now: datetime,
) -> Shipment:
    """Let `target` serve again in the place of `before`. What was under way here ends: it was compared with what goes.

    Rights are the caller's to ask. Its row is refused when it would not be safe, or somebody switched first.
    """
    make_way(session, agent, place, by=by, reason=f"It was gone back to revision {target.number} meanwhile.")
    bad = _release_of(session, agent.id, place.id, before)
    made = open_shipment(
        session, agent, place, target, by=by, reason=reason, strategy=PLAIN, previous=before, evidence=None,
        is_rollback=True, rolls_back_id=bad.id if bad else None, tier=bad.tier if bad else "low",
    )  # fmt: skip
    if made.release.state == "refused":
        return made
    unsafe = gate.unsafe(session, agent, place, target)
    if unsafe is not None:
        refuse(session, made, unsafe, by=by)
        return made
    move(session, made.release, "gated", by=by, text="It served here before: steps and evidence are skipped.")
    if go_live(session, made, by=by, now=now) and bad is not None:
        _end_bad(session, bad, made, by=by, reason=reason)
    return made


def revert_watched(session: Session, made: Shipment, *, code: str, reason: str, now: datetime) -> bool:
    """Go back from a release that does badly while it is watched. Returns whether there was something to go back to."""
    live = live_revision(session, made.agent.id, made.place.id)
    if live is None or live != made.release.revision_id:
        return False
    target_id = proposed(session, made.agent.id, made.place.id, live)
    if target_id is None:
        return False
    target = session.get_one(Revision, target_id)
    back = revert(session, made.agent, made.place, live, target, by=SYSTEM, reason=f"{reason} ({code})", now=now)
    return back.release.state != "refused"


def proposed(session: Session, agent_id: str, environment_id: str, live_id: str) -> str | None:
    """Return what one goes back to unless one says otherwise: the last that served, was not itself taken back, and has
    not retired."""
    served = served_before(session, agent_id, environment_id, live_id)
    retired = retirements(session, [one.revision_id for one in served])
    return next((one.revision_id for one in served if not one.was_rolled_back and one.revision_id not in retired), None)


def make_way(session: Session, agent: Agent, place: Environment, *, by: Actor, reason: str) -> None:
    """Abort what is under way here and has not switched yet."""
    rival = open_release(session, agent.id, place.id, is_held=True)
    if rival is not None:
        clear_candidate(session, rival)
        end_shadow(session, rival)
        move(session, rival, "aborted", by=by, text=reason, code="gave_way", ended_reason=reason)


def _release_of(session: Session, agent_id: str, environment_id: str, revision_id: str) -> Release | None:
    """Return the release by which a revision serves here; the first that served came without one."""
    return session.scalar(
        select(Release)
        .where(
            Release.revision_id == revision_id, Release.environment_id == environment_id,
            Release.agent_id == agent_id, Release.state.in_(_BEEN_LIVE),
        )
        .order_by(Release.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )  # fmt: skip


def _end_bad(session: Session, bad: Release, made: Shipment, *, by: Actor, reason: str) -> None:
    words = f"{by.name} went back to revision {made.target.number}: {reason}"
    move(session, bad, "rolled_back", by=by, text=words, detail={"by_release": made.release.id}, code="rolled_back",
         ended_reason=words)  # fmt: skip
