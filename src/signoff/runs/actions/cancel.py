"""Calling a run off, and saying that a failed one has been seen."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit.errors import NotFound, NotNow
from signoff.people.access import Principal, authorize, can
from signoff.people.roles import Action
from signoff.record import audit, outbox
from signoff.record.actor import Actor
from signoff.runs.actions.moves import move, rows, tell_state
from signoff.runs.called_off import said_by_default
from signoff.runs.states import is_over
from signoff.tables.agents import Agent
from signoff.tables.runs import Run

CANCEL = "run.cancel"
CALLED_OFF = "run.called_off"


def run_for(session: Session, principal: Principal, run_id: str, action: Action) -> Run:
    """Return the row of a run the caller may do `action` to.

    Raises:
        NotFound: this workspace has no such run, or it is outside the key's environment.
        NotAllowed: it is somebody else's, and the caller's role reaches only their own.
    """
    run = session.scalar(select(Run).where(Run.id == run_id, Run.workspace_id == principal.workspace_id))
    if run is None:
        raise NotFound("There is no such run in this workspace.")
    authorize(
        principal, action, workspace_id=run.workspace_id, environment_id=run.environment_id, agent_id=run.agent_id,
        owners=_owners(session, run),
    )  # fmt: skip
    return run


def may_do(session: Session, principal: Principal, run: Run, action: Action) -> bool:
    """Return whether `run_for` would agree; for showing a button."""
    return can(
        principal, action, owners=_owners(session, run), agent_id=run.agent_id, environment_id=run.environment_id
    )


def _owners(session: Session, run: Run) -> tuple[str | None, ...]:
    owners = session.execute(select(Agent.owner_id, Agent.backup_id).where(Agent.id == run.agent_id)).one()
    return (run.requested_by, owners[0], owners[1])


def cancel_run(session: Session, principal: Principal, run_id: str, *, reason: str | None = None) -> str:
    """Call a run off. Returns its state: `cancelled`, or `running` while its call in flight is being ended.

    Raises:
        NotNow: it has ended already.
    """
    run = run_for(session, principal, run_id, "run.cancel")
    state = call_off_one(session, run, by=principal.actor, code=None, reason=reason or said_by_default(principal.name))
    if state is None:
        raise NotNow(f"This run has ended already: it is {run.state}.", code="run_over", extra={"state": run.state})
    return state


def call_off_one(session: Session, run: Run, *, by: Actor, code: str | None, reason: str) -> str | None:
    """Call a run off, whoever says so. Returns its state: `running` while its call in flight is being ended; None when
    it is over already."""
    if run.state in ("queued", "waiting"):
        moved = move(
            session, run.id, "cancelled", by=by, before=("queued", "waiting"),
            values={"code": code or "cancelled", "reason": reason},
        )  # fmt: skip
        if moved is not None:
            if run.state == "waiting":
                # What it asked people is withdrawn above: nobody needs to answer any more.
                outbox.send(session, workspace_id=moved.workspace_id, kind=CALLED_OFF, payload={"run_id": run.id})
            return moved.state
        session.refresh(run)
    if is_over(run.state):
        return None
    _ask(session, by, run, reason, code)
    return run.state


def _ask(session: Session, by: Actor, run: Run, words: str, code: str | None) -> None:
    asked = session.execute(
        update(Run)
        .where(Run.id == run.id, Run.state == "running", Run.is_cancel_requested.is_(False))
        .values(is_cancel_requested=True, reason=words, **({"code": code} if code else {}))
        .execution_options(synchronize_session=False)
    )
    if rows(asked) != 1:
        return  # Asked before: once is enough.
    audit.write(
        session, workspace_id=run.workspace_id, actor=by, action="run.cancel", object_kind="run",
        object_id=run.id, run_id=run.id, revision_id=run.revision_id, detail={},
    )  # fmt: skip
    tell_state(session, run)
    # Wakes the process in which the run's call is in flight.
    outbox.send(session, workspace_id=run.workspace_id, kind=CANCEL, payload={"run_id": run.id, "reason": words})


def acknowledge_run(session: Session, principal: Principal, run_id: str) -> None:
    """Say that a run has been looked at: it no longer asks for attention.

    Raises:
        NotNow: it does not ask for any.
    """
    run = run_for(session, principal, run_id, "run.cancel")
    seen = session.execute(
        update(Run)
        .where(Run.id == run_id, Run.needs_attention.is_(True))
        .values(needs_attention=False)
        .execution_options(synchronize_session=False)
    )
    if rows(seen) != 1:
        raise NotNow("This run does not ask for attention.", code="nothing_to_acknowledge")
    audit.write(
        session, workspace_id=run.workspace_id, actor=principal.actor, action="run.acknowledge", object_kind="run",
        object_id=run.id, run_id=run.id, revision_id=run.revision_id, detail={},
    )  # fmt: skip
    tell_state(session, run)
