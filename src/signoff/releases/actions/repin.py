"""Letting a waiting run go on under another revision: explicit, audited, and only where it can."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.agents.retired import retirements
from signoff.agents.revisions import find_revision, revision_body
from signoff.deployments.queries import live_revision
from signoff.deployments.rights import authorize_deploy
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.record import audit
from signoff.releases.refusals import RepinRefused
from signoff.releases.served import served_before
from signoff.tables.agents import Revision
from signoff.tables.people import Environment
from signoff.tables.runs import Run, Step

_TOOLS_MAX = 500


def repin_run(session: Session, principal: Principal, run_id: str, *, revision: int | str, reason: str) -> None:
    """Let a waiting run go on under another revision that serves, or served lately, where it runs.

    What people answered under the old revision is not carried over: an approval is bound to the revision it was asked
    under, so they are asked anew.

    Raises:
        NotFound, NotAllowed: as for deploying the agent where the run is.
        RepinRefused: it does not wait, or the other revision lacks what the run relies on; `reasons` says what.
    """
    words = checked_reason(reason)
    run = session.scalar(
        select(Run)
        .where(Run.id == run_id, Run.workspace_id == principal.workspace_id)
        .execution_options(populate_existing=True)
    )
    if run is None:
        raise NotFound("There is no such run in this workspace.")
    agent = agent_for(session, principal, run.agent_id, "agent.deploy")
    place = session.get_one(Environment, run.environment_id)
    target = find_revision(session, agent, revision)
    authorize_deploy(session, principal, agent, place, target)
    live = live_revision(session, agent.id, place.id)
    served = {one.revision_id for one in served_before(session, agent.id, place.id, live)} if live else set[str]()
    if target.id != live and target.id not in served:
        raise _refused(
            run, target, [f"revision {target.number} neither serves {place.slug} nor is among the last that did"]
        )
    repin_row(session, principal, run, target, reason=words)


def repin_row(session: Session, principal: Principal, run: Run, target: Revision, *, reason: str) -> None:
    """Re-pin one run, whose rights were asked.

    Raises:
        RepinRefused: it does not wait any more, or the other revision lacks what it relies on.
    """
    reasons = obstacles(session, run, target)
    if reasons:
        raise _refused(run, target, reasons)
    old_id, old_number = run.revision_id, run.revision_number
    changed = session.execute(
        update(Run)
        .where(Run.id == run.id, Run.state == "waiting", Run.revision_id == old_id, Run.leg == run.leg)
        .values(revision_id=target.id, revision_number=target.number, variant="pinned")
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(changed) != 1:
        raise _refused(run, target, ["it does not wait any more"])
    audit.write(
        session, workspace_id=run.workspace_id, actor=principal.actor, action="run.repinned", object_kind="run",
        object_id=run.id, run_id=run.id, revision_id=target.id,
        detail={"from": old_id, "from_number": old_number, "to": target.id, "number": target.number, "reason": reason},
    )  # fmt: skip
    session.refresh(run)


def obstacles(session: Session, run: Run, target: Revision) -> list[str]:
    """Return why a run cannot go on under another revision; nothing when it can."""
    if run.revision_id == target.id:
        return [f"it has revision {target.number} already"]
    if run.state != "waiting":
        return [f"it is {run.state}: only a run that waits can be re-pinned"]
    old, new = revision_body(session, run.revision_id), revision_body(session, target.id)
    reasons: list[str] = []
    if retirements(session, [target.id]):
        reasons.append(f"revision {target.number} has retired")
    if old.output_schema != new.output_schema:
        reasons.append("the two revisions promise another output")
    lacking = [name for name in _used(session, run.id) if not _allows(new, name)]
    if lacking:
        reasons.append(f"revision {target.number} may not use what the run has used: {', '.join(lacking[:5])}")
    return reasons


def _used(session: Session, run_id: str) -> list[str]:
    """Return the tools a run called or wants to call: its waiting calls are steps too."""
    return list(
        session.scalars(
            select(Step.name)
            .where(Step.run_id == run_id, Step.kind == "tool")
            .distinct()
            .order_by(Step.name)
            .limit(_TOOLS_MAX)
        )
    )


def _allows(body: Body, name: str) -> bool:
    # A tool of our own has no slot; the engine offers those whatever the revision.
    return "." not in name or name in {f"{one.slot}.{entry.tool}" for one in body.tools for entry in one.allow}


def _refused(run: Run, target: Revision, reasons: list[str]) -> RepinRefused:
    return RepinRefused(
        f"Run {run.id} cannot go on under revision {target.number}: {'; '.join(reasons)}. It keeps revision "
        f"{run.revision_number}.",
        extra={"reasons": reasons},
    )
