"""Runs that another run asks for, and what the end of one means for the other.

A call of a run to another agent makes one run, however often the call is made again: its key is that of the call. It
works for whoever the first run works for, in the same environment and mode, from the same source and with the marks of
what was read before the call, so that it meets the same memory, the same rules and the same suspicion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.revisions import revision_body
from signoff.kit import clock, ids
from signoff.kit.errors import TooMuch
from signoff.kit.text import shortened
from signoff.record import audit, outbox, trace
from signoff.record.actor import SYSTEM
from signoff.runs.actions.cancel import call_off_one
from signoff.runs.actions.moves import tell_state
from signoff.runs.actions.request import SCRIPTED, START, search_text
from signoff.runs.actions.settle import resume_when_answered
from signoff.runs.facts import RunContext
from signoff.runs.family import body_of, family_of
from signoff.runs.input import prepare
from signoff.runs.states import Variant, is_over
from signoff.tables.agents import Agent, Revision
from signoff.tables.runs import Run

# As many as a revision allows.
_OPEN_MAX = 500


class TooManyRuns(TooMuch):
    """As many runs came of one run as its revision allows (`limits.sub_agent_runs`)."""


@dataclass(frozen=True, slots=True)
class ChildWish:
    """What a run asks another agent for.

    Args:
        key: of the call: `<run_id>:<call_id>`.
        marks: what the asking run had read before, as of the first turn; None: not known.
    """

    key: str
    agent: Agent
    revision: Revision
    variant: Variant
    release_id: str | None
    input: Any
    marks: Mapping[str, int] | None


def child_of_call(session: Session, key: str) -> Run | None:
    """Return the run that a call made."""
    return session.scalar(select(Run).where(Run.parent_call == key).execution_options(populate_existing=True))


def request_child(session: Session, parent: RunContext, wish: ChildWish) -> Run:
    """Ask for the run of another agent; the same call gets the same run.

    Raises:
        Malformed: the agent does not take such an input.
        TooManyRuns: no more runs may come of one above it.
    """
    trace.take_turn(session, parent.run_id)
    if (made := child_of_call(session, wish.key)) is not None:
        return made
    # Calls of several runs of a family are counted one after the other.
    trace.take_turn(session, parent.family_id)
    _count(session, parent)
    asking = session.get_one(Run, parent.run_id)
    body = revision_body(session, wish.revision.id)
    given = prepare(
        wish.input, schema=body.input_schema, chars_max=body.limits.input_chars, title=None,
        fallback=wish.agent.name or wish.agent.slug,
    )  # fmt: skip
    run_id, moment = ids.new_id("run"), clock.now()
    run = Run(
        id=run_id, workspace_id=parent.workspace_id, environment_id=parent.environment_id, agent_id=wish.agent.id,
        revision_id=wish.revision.id, agent_slug=wish.agent.slug, agent_name=wish.agent.name,
        revision_number=wish.revision.number, state="queued", origin=asking.origin, source=asking.source,
        mode=asking.mode, release_id=wish.release_id, variant=wish.variant, sticky_key=asking.sticky_key,
        evaluation_id=asking.evaluation_id,
        requested_by=asking.requested_by, requested_by_name=asking.requested_by_name,
        requested_with=asking.requested_with, title=given.title,
        search_text=search_text(given.title, run_id, wish.agent.slug, None, given.search_text), input=given.value,
        output=None, is_scripted=body.model.name.startswith(SCRIPTED), is_truncated=given.is_truncated,
        created_at=moment, leg=1, flow=dict(wish.marks) if wish.marks is not None else None,
        parent_run_id=parent.run_id, root_run_id=parent.family_id, depth=parent.depth + 1, parent_call=wish.key,
    )  # fmt: skip
    session.add(run)
    session.execute(
        update(Run)
        .where(Run.id == parent.run_id)
        .values(child_runs=Run.child_runs + 1)
        .execution_options(synchronize_session=False)
    )
    session.flush()
    audit.write(
        session, workspace_id=run.workspace_id, actor=parent.actor, action="run.request", object_kind="run",
        object_id=run.id, run_id=run.id, revision_id=run.revision_id,
        detail={"agent": run.agent_slug, "revision": run.revision_number, "source": run.source, "mode": run.mode,
                "state": run.state, "parent": parent.run_id},
    )  # fmt: skip
    tell_state(session, run)
    outbox.send(session, workspace_id=run.workspace_id, kind=START, payload={"run_id": run.id, "leg": 1}, due_at=moment)
    return run


def _count(session: Session, parent: RunContext) -> None:
    family = family_of(session, parent.family_id)
    own = family.runs.get(parent.run_id)
    for kin in [*([own] if own is not None else []), *family.above(parent.run_id)]:
        most = body_of(session, kin).limits.sub_agent_runs
        if len(family.below(kin.id)) >= most:
            raise TooManyRuns(
                f"{most} runs of other agents came of {kin.agent_slug}'s run already, as many as it allows "
                "(limits.sub_agent_runs).",
                code="sub_agents_too_many",
            )


def wake_parent(session: Session, child_id: str) -> bool:
    """Let the run that asked for one that is over go on, when that was the last it waited for. For the engine."""
    child = session.get(Run, child_id)
    if child is None or child.parent_run_id is None or not is_over(child.state):
        return False
    # Its leg may be ending in this moment: then it waits for us, and finds by itself that its child is over.
    trace.take_turn(session, child.parent_run_id)
    parent = session.get(Run, child.parent_run_id, populate_existing=True)
    return parent is not None and resume_when_answered(session, parent)


def end_children(session: Session, parent_id: str) -> int:
    """Call off what a run that is over had asked for and that is not over. Returns how many. For the engine."""
    parent = session.get(Run, parent_id, populate_existing=True)
    if parent is None or not is_over(parent.state):
        return 0
    open_ones = session.scalars(
        select(Run)
        .where(Run.parent_run_id == parent_id, Run.state.in_(("queued", "running", "waiting")))
        .order_by(Run.id)
        .limit(_OPEN_MAX)
    ).all()
    said = f": {parent.reason}" if parent.reason and parent.state != "completed" else ""
    words = shortened(f"The run of {parent.agent_slug} that asked for it is {parent.state}{said}", 1_000)
    for run in open_ones:
        call_off_one(session, run, by=SYSTEM, code="parent_ended", reason=words)
    return len(open_ones)


def end_if_called_off(session: Session, run_id: str) -> bool:
    """Call a run off that was asked to end while its leg ended with a wait. Returns whether it was. For the engine."""
    run = session.get_one(Run, run_id, populate_existing=True)
    if run.state != "waiting" or not run.is_cancel_requested:
        return False
    reason = run.reason if run.code == "parent_ended" and run.reason else "The run that asked for it is over."
    return call_off_one(session, run, by=SYSTEM, code="parent_ended", reason=reason) == "cancelled"
