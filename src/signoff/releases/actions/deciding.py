"""What people decide of a release under way: on with it now, or off with it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.deployments.canary import clear_candidate
from signoff.deployments.rights import authorize_deploy
from signoff.deployments.shadowing import end_shadow
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.releases.actions.advancing import next_step, settle
from signoff.releases.actions.going import go_on
from signoff.releases.actions.moves import move, note
from signoff.releases.refusals import ReleaseMoved, ReleaseOver
from signoff.releases.rows import BEFORE_LIVE, Shipment, shipment_for


def promote_now(
    session: Session,
    principal: Principal,
    release_id: str,
    *,
    reason: str,
    version: int | None = None,
    seen: str | None = None,
) -> None:
    """Take the release's next step now, whatever time it would have waited. The gate and safety are asked all the same.

    Args:
        version: the release's version as the caller saw it; None: as it is.
        seen: state and step as the caller saw them, such as `canary 0`. Unlike the version they stay while the engine
            only looks: for a page that a person reads for a while.

    Raises:
        NotFound, NotAllowed: as for deploying the agent.
        ReleaseOver: it waits for signatures, or is over.
        ReleaseMoved: it moved on since the caller looked.
    """
    words = checked_reason(reason)
    made = shipment_for(session, principal, release_id, "agent.deploy")
    authorize_deploy(session, principal, made.agent, made.place, made.target)
    check_version(made, version)
    if seen and seen != f"{made.release.state} {made.release.step}":
        raise _moved(made)
    state, now = made.release.state, clock.now()
    if state == "requested":
        raise ReleaseOver("It waits for signatures. Have it signed; nobody promotes it before.", code="unsigned")
    if state not in (*BEFORE_LIVE, "watching"):
        raise ReleaseOver(f"The release is {state.replace('_', ' ')}: there is nothing to promote any more.")
    note(session, made.release, "promoted", by=principal.actor, text=f"{principal.name} took the next step: {words}")
    canary = made.way.canary
    if state == "watching":
        settle(session, made, by=principal.actor)
    elif state == "canary" and canary is not None and made.release.step + 1 < canary.length:
        next_step(session, made, by=principal.actor, now=now)
    else:
        go_on(session, made, by=principal.actor, now=now, is_asked=True)


def abort_release(
    session: Session, principal: Principal, release_id: str, *, reason: str, version: int | None = None
) -> None:
    """Call a release off before it serves. What serves goes on serving, and gets everything again.

    Raises:
        NotFound, NotAllowed: as for deploying the agent.
        ReleaseOver: it serves already (roll back), or is over.
        ReleaseMoved: it moved on since the caller looked.
    """
    words = checked_reason(reason)
    # A look of the engine is no reason not to call it off.
    made = shipment_for(session, principal, release_id, "agent.deploy", is_held=True)
    check_version(made, version)
    state = made.release.state
    if state not in BEFORE_LIVE:
        what = "It serves: roll it back." if state in ("live", "watching", "settled") else "It is over."
        raise ReleaseOver(f"The release is {state.replace('_', ' ')}. {what}", extra={"state": state})
    clear_candidate(session, made.release)
    end_shadow(session, made.release)
    move(session, made.release, "aborted", by=principal.actor, text=f"{principal.name} called it off: {words}",
         code="aborted", ended_reason=words)  # fmt: skip


def check_version(made: Shipment, version: int | None) -> None:
    """Return quietly when the release is as the caller saw it.

    Raises:
        ReleaseMoved: it moved on.
    """
    if version is not None and version != made.release.version:
        raise _moved(made)


def _moved(made: Shipment) -> ReleaseMoved:
    return ReleaseMoved(
        f"The release is {made.release.state.replace('_', ' ')} now, since "
        f"{made.release.state_since:%Y-%m-%d %H:%M:%S} UTC. Look again, then decide.",
        extra={"state": made.release.state, "version": made.release.version},
    )
