"""What is true about a run for as long as it lives: what its gateways decide by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.revisions import revision_body
from signoff.kit.errors import NotFound
from signoff.record.actor import Actor
from signoff.runs.states import Mode
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

_CONTEXT = Prepared(
    select(
        Run.id, Run.workspace_id, Run.environment_id, Run.agent_id, Run.agent_slug, Run.revision_id,
        Run.revision_number, Run.mode, Run.replay_of, Run.requested_by, Run.requested_with, Run.release_id,
        Run.evaluation_id, Run.parent_run_id, Run.root_run_id, Run.depth,
    ).where(Run.id == bindparam("of_run"))
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run as a gateway sees it. Built from rows that never change, so a replay builds the same one, but `worker`."""

    run_id: str
    workspace_id: str
    environment_id: str
    agent_id: str
    agent_slug: str
    revision_id: str
    revision_number: int
    body: Body
    mode: Mode
    replay_of: str | None
    leg: int
    requested_by: str
    # Which process works on the leg; empty where nobody else could.
    worker: str = ""
    # The release under which it was started; a shadow keeps to what that says.
    release_id: str | None = None
    # The evaluation it is part of: its money is that one's.
    evaluation_id: str | None = None
    # The run that asked for it, the first of all above it, and how far below that it is.
    parent_run_id: str | None = None
    root_run_id: str | None = None
    depth: int = 0
    # The API key it was asked for with; None when no key was.
    requested_with: str | None = None

    @property
    def family_id(self) -> str:
        """Return the first run of all above it; its own id when nobody's call made it."""
        return self.root_run_id or self.run_id

    @property
    def actor(self) -> Actor:
        """Return who the audit names when this run acts."""
        number = self.revision_number
        # Below zero it is a draft that is tried: minus its version.
        what = f"revision {number}" if number > 0 else f"draft {-number}"
        name = f"{self.agent_slug}, {what}"
        return Actor("run", self.run_id, name, run_id=self.run_id, revision_id=self.revision_id)


@dataclass(frozen=True, slots=True)
class RequestedRun:
    """What `request_run` answers. `is_new` is False when the same input was already being worked on.

    `is_scripted` and `created_at` are said of a new one.
    """

    id: str
    state: str
    revision_id: str
    revision_number: int
    is_new: bool
    reason: str | None = None
    is_scripted: bool = False
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LegStart:
    """What a leg needs to begin: the run's context and input, until when it may work, and what it relies on."""

    context: RunContext
    input: Any
    deadline_at: datetime
    relies_on: Mapping[str, Any]


def context_of(session: Session, run_id: str, *, leg: int, worker: str = "") -> RunContext:
    """Return the context of a run for one of its legs, on which `worker` works.

    Raises:
        NotFound: there is no such run.
    """
    run = _CONTEXT.first(session, {"of_run": run_id})
    if run is None:
        raise NotFound("There is no such run.")
    return RunContext(
        run_id=run.id,
        workspace_id=run.workspace_id,
        environment_id=run.environment_id,
        agent_id=run.agent_id,
        agent_slug=run.agent_slug,
        revision_id=run.revision_id,
        revision_number=run.revision_number,
        body=revision_body(session, run.revision_id),
        mode=run.mode,
        replay_of=run.replay_of,
        leg=leg,
        requested_by=run.requested_by,
        worker=worker,
        release_id=run.release_id,
        evaluation_id=run.evaluation_id,
        parent_run_id=run.parent_run_id,
        root_run_id=run.root_run_id,
        depth=run.depth,
        requested_with=run.requested_with,
    )
