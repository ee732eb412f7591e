"""The beginning of a pair: an answer was given, and the candidate tries the same input."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.pauses import pause_of
from signoff.kit import clock
from signoff.kit.errors import Malformed
from signoff.kit.faultpoints import faultpoint
from signoff.releases.shadow.notes import note_spent
from signoff.releases.shadow.pots import empty_pot
from signoff.runs.actions.shadow import ShadowOf, request_shadow
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.releases import Release, ShadowPair
from signoff.tables.runs import Run
from signoff.tables.upsert import insert_into


def begin_pair(session: Session, *, run_id: str, release_id: str) -> str | None:
    """Have the input of a run that was answered tried by a release, once. Returns the shadow's id, if there is one.

    However often it is asked for, and by however many at once: the pair's key decides, in the same transaction.
    """
    original, release = session.get(Run, run_id), session.get(Release, release_id)
    if original is None or release is None:
        return None
    if (original.agent_id, original.environment_id) != (release.agent_id, release.environment_id):
        return None
    if not _take(session, release, original):
        return None
    if (why := _ended(session, release) or _stands_still(session, original)) is not None:
        _skip(session, release, original, why)
        return None
    if (spent := empty_pot(session, release.id)) is not None:
        _skip(session, release, original, spent)
        note_spent(session, release, f"{spent} Until then nothing is tried.")
        return None
    revision = session.get_one(Revision, release.revision_id)
    try:
        shadow_id = request_shadow(session, ShadowOf(original, revision, release.id))
    except Malformed as refusal:
        _note_refused(session, release, original, refusal.detail)
        return None
    _set(session, release, original, state="running", shadow_run_id=shadow_id)
    faultpoint("shadow-asking")
    return shadow_id


def _take(session: Session, release: Release, original: Run) -> bool:
    """Write the pair. False when it is there already."""
    taken = session.execute(
        insert_into(session, ShadowPair)
        .values(
            release_id=release.id, run_id=original.id, workspace_id=release.workspace_id, state="asked",
            differences={}, cost_usd=0, made_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(ShadowPair.run_id)
    ).all()  # fmt: skip
    return len(taken) == 1


def _ended(session: Session, release: Release) -> str | None:
    shadows = session.scalar(
        select(LiveRevision.shadow_release_id).where(
            LiveRevision.agent_id == release.agent_id, LiveRevision.environment_id == release.environment_id
        )
    )
    return None if shadows == release.id else "The shadow had ended before this input was tried."


def _stands_still(session: Session, original: Run) -> str | None:
    agent = session.get_one(Agent, original.agent_id)
    if agent.state != "active":
        return "The agent is switched off."
    return "The agent is paused." if pause_of(session, agent.id) is not None else None


def _note_refused(session: Session, release: Release, original: Run, words: str) -> None:
    """That the candidate does not take an input that was answered is a difference, and needs no run."""
    refused = {"was": original.state, "would_be": "refused", "code": "bad_input", "reason": words[:500]}
    named = [f"status: {original.state}, would be refused"]
    _set(
        session, release, original, state="compared", is_equal=False, compared_at=clock.now(),
        differences={"status": refused, "named": named},
    )  # fmt: skip


def _skip(session: Session, release: Release, original: Run, why: str) -> None:
    _set(session, release, original, state="skipped", reason=why)


def _set(session: Session, release: Release, original: Run, **values: object) -> None:
    session.execute(
        update(ShadowPair)
        .where(ShadowPair.release_id == release.id, ShadowPair.run_id == original.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
