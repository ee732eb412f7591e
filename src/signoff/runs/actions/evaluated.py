"""Runs of an evaluation: a revision on an example, acting on nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.revisions import revision_body
from signoff.kit import clock, ids
from signoff.record import audit, outbox
from signoff.record.actor import SYSTEM
from signoff.runs.actions.moves import tell_state
from signoff.runs.actions.request import SCRIPTED, START, search_text
from signoff.runs.input import prepare
from signoff.runs.marks import as_it_began, first_marks
from signoff.runs.states import Source
from signoff.tables.agents import Agent, Revision
from signoff.tables.runs import Run


@dataclass(frozen=True, slots=True)
class EvaluatedRun:
    """What is tried, for which evaluation, and for whom.

    Args:
        key: an equal one makes no second run.
        like: the run whose input it is; its calls are answered as that one's were.
        checks_input: whether the input has to fit the revision's schema.
    """

    evaluation_id: str
    key: str
    environment_id: str
    revision_id: str
    title: str
    input: Any
    requested_by: str
    requested_by_name: str
    requested_with: str | None
    like: str | None = None
    checks_input: bool = True


def request_evaluated(session: Session, wanted: EvaluatedRun) -> str:
    """Ask for a run of an evaluation; return its id.

    It is a test, so that no figure of real work counts it. What nobody vouches for is taken for somebody else's text,
    as an input of real work is.

    Raises:
        Malformed: the revision does not take such an input.
    """
    revision = session.get_one(Revision, wanted.revision_id)
    agent = session.get_one(Agent, revision.agent_id)
    body = revision_body(session, revision.id)
    original = session.get(Run, wanted.like) if wanted.like else None
    is_cut = original is not None and original.is_truncated
    given = prepare(
        wanted.input, schema=body.input_schema if wanted.checks_input and not is_cut else None,
        chars_max=body.limits.input_chars, title=wanted.title, fallback=agent.name or agent.slug,
    )  # fmt: skip
    source: Source = original.source if original is not None else "api"  # pyright: ignore[reportAssignmentType]
    run_id, moment = ids.new_id("run"), clock.now()
    run = Run(
        id=run_id, workspace_id=agent.workspace_id, environment_id=wanted.environment_id, agent_id=agent.id,
        revision_id=revision.id, agent_slug=agent.slug, agent_name=agent.name, revision_number=revision.number,
        state="queued", origin="test", source=source, mode="evaluation",
        replay_of=original.id if original is not None else None, variant="pinned", evaluation_id=wanted.evaluation_id,
        input_key=wanted.key, requested_by=wanted.requested_by, requested_by_name=wanted.requested_by_name,
        requested_with=wanted.requested_with, title=given.title,
        search_text=search_text(given.title, run_id, agent.slug, None, ""), input=given.value, output=None,
        is_scripted=body.model.name.startswith(SCRIPTED), is_truncated=given.is_truncated, created_at=moment, leg=1,
        flow=as_it_began(original.flow) if original is not None else first_marks("api", "key"),
    )  # fmt: skip
    session.add(run)
    session.flush()
    audit.write(
        session, workspace_id=run.workspace_id, actor=SYSTEM, action="run.request", object_kind="run", object_id=run.id,
        run_id=run.id, revision_id=run.revision_id,
        detail={"agent": run.agent_slug, "revision": run.revision_number, "source": run.source, "mode": run.mode,
                "state": run.state, "evaluation": wanted.evaluation_id},
    )  # fmt: skip
    tell_state(session, run)
    outbox.send(session, workspace_id=run.workspace_id, kind=START, payload={"run_id": run.id, "leg": 1})
    return run.id
