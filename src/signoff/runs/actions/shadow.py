"""Shadows: what was answered is tried once more by a release's candidate, acting on nothing.

A message is left with the answer itself, so none is lost with a crash; the release's row for the pair lets it be
carried out once. Nobody waits for either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from signoff.agents.revisions import revision_body
from signoff.deployments.traffic import bucket
from signoff.kit import clock, ids
from signoff.record import audit, outbox
from signoff.record.actor import SYSTEM
from signoff.runs.actions.moves import Moved, tell_state
from signoff.runs.actions.request import SCRIPTED, START, search_text
from signoff.runs.input import prepare
from signoff.runs.marks import as_it_began
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

SHADOW = "run.shadow"
# What did not serve when it was asked says nothing about what serves. None: asked before there were releases.
_SHADOWED = ("live", None)

_live = cast("Table", LiveRevision.__table__).c
_runs = cast("Table", Run.__table__).c
# Two primary keys; read once with each answer of real work.
_WANTED = Prepared(
    select(_live.shadow_release_id, _live.shadow_share, _live.salt)
    .join(_runs.id.table, (_runs.agent_id == _live.agent_id) & (_runs.environment_id == _live.environment_id))
    .where(_runs.id == bindparam("of_run"), _live.shadow_release_id.is_not(None))
)


def ask_for_shadow(session: Session, ended: Moved) -> bool:
    """Leave the message that has this run's input tried, when a release shadows and the run is in its sample."""
    if ended.mode != "live" or ended.origin != "production" or ended.variant not in _SHADOWED:
        return False
    live = _WANTED.first(session, {"of_run": ended.id})
    if live is None or bucket(live.salt or live.shadow_release_id, ended.id) >= live.shadow_share:
        return False
    payload = {"run_id": ended.id, "release_id": live.shadow_release_id}
    outbox.send(session, workspace_id=ended.workspace_id, kind=SHADOW, payload=payload)
    return True


@dataclass(frozen=True, slots=True)
class ShadowOf:
    """The run that is tried again, the revision that tries it, and the release for which it does."""

    original: Run
    revision: Revision
    release_id: str


def request_shadow(session: Session, wanted: ShadowOf) -> str:
    """Ask for the run of a candidate on the input of a run that has been answered; return its id.

    It works for whoever asked for the original, from the same source, so that it meets the same memory and the same
    suspicion; and it is a test, so that no figure of real work counts it.

    Raises:
        Malformed: the candidate does not take such an input.
    """
    original, revision = wanted.original, wanted.revision
    agent = session.get_one(Agent, original.agent_id)
    body = revision_body(session, revision.id)
    given = prepare(
        # One that was cut to size was checked before that.
        original.input, schema=None if original.is_truncated else body.input_schema,
        chars_max=body.limits.input_chars, title=original.title, fallback=agent.name or agent.slug,
    )  # fmt: skip
    run_id, moment = ids.new_id("run"), clock.now()
    run = Run(
        id=run_id, workspace_id=original.workspace_id, environment_id=original.environment_id,
        agent_id=original.agent_id, revision_id=revision.id, agent_slug=agent.slug, agent_name=agent.name,
        revision_number=revision.number, state="queued", origin="test", source=original.source, mode="shadow",
        replay_of=original.id, release_id=wanted.release_id, variant="shadow", requested_by=original.requested_by,
        requested_by_name=original.requested_by_name, requested_with=original.requested_with, title=original.title,
        search_text=search_text(original.title, run_id, agent.slug, None, ""), input=given.value, output=None,
        is_scripted=body.model.name.startswith(SCRIPTED), is_truncated=given.is_truncated, created_at=moment, leg=1,
        flow=as_it_began(original.flow),
    )  # fmt: skip
    session.add(run)
    session.flush()
    audit.write(
        session, workspace_id=run.workspace_id, actor=SYSTEM, action="run.request", object_kind="run", object_id=run.id,
        run_id=run.id, revision_id=run.revision_id,
        detail={"agent": run.agent_slug, "revision": run.revision_number, "source": run.source, "mode": run.mode,
                "state": run.state, "shadow_of": original.id, "release": wanted.release_id},
    )  # fmt: skip
    tell_state(session, run)
    outbox.send(session, workspace_id=run.workspace_id, kind=START, payload={"run_id": run.id, "leg": 1})
    return run.id
