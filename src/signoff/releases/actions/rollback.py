"""Rolling back: one call to what served before, and what becomes of the runs under way."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.agents.revisions import find_revision
from signoff.deployments.actions import environment_for
from signoff.deployments.queries import live_revision
from signoff.deployments.rights import place_of
from signoff.deployments.switching import live_changed
from signoff.kit import clock
from signoff.people.access import Principal, authorize
from signoff.releases.actions.going import take_back
from signoff.releases.actions.moves import note
from signoff.releases.actions.repin import repin_row
from signoff.releases.actions.request import AS_IT_IS, AsItIs
from signoff.releases.actions.reverting import proposed, revert
from signoff.releases.refusals import NothingToRollBackTo, OutsideRollbackWindow, RepinRefused
from signoff.releases.rows import Shipment, open_release, shipment
from signoff.releases.served import served_before
from signoff.releases.views import InFlightChoice
from signoff.runs.actions import cancel_matching
from signoff.runs.filters import RunFilter
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment
from signoff.tables.releases import Release
from signoff.tables.runs import Run

_REPINNED_MAX = 200


def roll_back(
    session: Session,
    principal: Principal,
    agent: str,
    *,
    environment: str,
    reason: str,
    to_revision: int | str | None = None,
    in_flight: InFlightChoice = "drain",
    expected: str | AsItIs | None = AS_IT_IS,
) -> str:
    """Go back to what served before; return the id of the release that does it, or of the canary that was taken away.

    One of the last three that served is gone back to without steps and evidence; rights and safety are asked. Where it
    is not safe, or somebody switched first, its row is refused and `refusal_of` says why.

    Args:
        to_revision: number or id; None: a canary under way is taken away, else the last that served and was not
            itself rolled back.
        in_flight: the runs under way finish under theirs (`drain`), are called off (`stop`), or those that wait go on
            under the revision that serves now, where they can (`repin`).
        expected: the revision that served when the caller looked.

    Raises:
        NotFound, NotAllowed: as for deploying the agent; stopping takes the right to cancel its runs.
        NothingToRollBackTo, OutsideRollbackWindow: there is nothing to go back to, or not without the gate.
        LiveChanged: somebody switched since the caller looked.
    """
    words = checked_reason(reason)
    row = agent_for(session, principal, agent, "agent.deploy")
    place = environment_for(session, principal, environment)
    authorize(principal, "agent.deploy", owners=(row.owner_id, row.backup_id), agent_id=row.id, place=place_of(place))
    # The engine looks at it each minute, and somebody may take its next step: going back must not lose to that.
    rival = open_release(session, row.id, place.id, is_held=True)
    live = live_revision(session, row.id, place.id)
    if not isinstance(expected, AsItIs) and expected != live:
        raise live_changed(session, row, place)
    if to_revision is None and rival is not None and rival.state == "canary":
        return _candidate(session, principal, row, place, rival, words, in_flight)
    target = _target(session, row, place, live, to_revision)
    assert live is not None  # noqa: S101  # `_target` refuses where nothing serves.
    made = revert(session, row, place, live, target, by=principal.actor, reason=words, now=clock.now())
    if made.release.state != "refused":
        _treat(session, principal, made, live, target, in_flight, words)
    return made.release.id


def _candidate(
    session: Session,
    principal: Principal,
    agent: Agent,
    place: Environment,
    rival: Release,
    reason: str,
    in_flight: InFlightChoice,
) -> str:
    made = shipment(session, rival.id)
    assert made is not None  # noqa: S101  # Its row was just read.
    take_back(session, made, by=principal.actor, code="rolled_back", reason=f"{principal.name} took it away: {reason}")
    live = session.get_one(Revision, rival.previous_revision_id)
    _treat(session, principal, made, rival.revision_id, live, in_flight, reason)
    return rival.id


def _target(session: Session, agent: Agent, place: Environment, live: str | None, wanted: int | str | None) -> Revision:
    served = served_before(session, agent.id, place.id, live) if live is not None else []
    if live is None or not served:
        raise NothingToRollBackTo(
            f"Nothing served {place.slug} before what does now. Stop {agent.slug}, or release another revision."
        )
    if wanted is None:
        found = proposed(session, agent.id, place.id, live)
        if found is None:
            numbers = ", ".join(str(one.number) for one in served)
            raise NothingToRollBackTo(
                f"What served {place.slug} before was itself rolled back (revisions {numbers}). Name one to go back to "
                "it all the same, or release another.",
            )
        return session.get_one(Revision, found)
    row = find_revision(session, agent, wanted)
    if row.id not in {one.revision_id for one in served}:
        numbers = ", ".join(str(one.number) for one in served)
        raise OutsideRollbackWindow(
            f"Revision {row.number} is not among the last that served {place.slug} before ({numbers}). "
            "Ask for a release of it: it goes through the gate.",
            extra={"numbers": [one.number for one in served]},
        )
    return row


def _treat(
    session: Session,
    principal: Principal,
    made: Shipment,
    bad: str,
    target: Revision,
    choice: InFlightChoice,
    reason: str,
) -> None:
    """Do with the runs under way what was chosen; the timeline says what came of it."""
    if choice == "stop":
        wanted = RunFilter(agent=made.agent.id, revision=bad, environment=made.place.slug)
        order = cancel_matching(session, principal, wanted, reason=f"Rolled back: {reason}")
        note(session, made.release, "runs_stopped", by=principal.actor, text="Its runs under way are called off.",
             detail={"stop": order})  # fmt: skip
    elif choice == "repin":
        _repin_all(session, principal, made, bad, target, reason)


def _repin_all(session: Session, principal: Principal, made: Shipment, bad: str, target: Revision, reason: str) -> None:
    runs = session.scalars(
        select(Run)
        .where(Run.revision_id == bad, Run.environment_id == made.place.id, Run.state == "waiting")
        .order_by(Run.id.desc())
        .limit(_REPINNED_MAX)
    ).all()
    moved: list[str] = []
    left: dict[str, str] = {}
    for run in runs:
        try:
            repin_row(session, principal, run, target, reason=reason)
            moved.append(run.id)
        except RepinRefused as refusal:
            left[run.id] = refusal.detail
    words = f"{len(moved)} waiting runs go on under revision {target.number}; {len(left)} stay with theirs."
    note(session, made.release, "runs_repinned", by=principal.actor, text=words,
         detail={"repinned": moved, "left": left})  # fmt: skip
