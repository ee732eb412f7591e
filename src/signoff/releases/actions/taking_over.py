"""Taking a release over: from now on somebody else answers for it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.deployments.rights import authorize_deploy
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.releases.actions.deciding import check_version
from signoff.releases.actions.holding import end_hold
from signoff.releases.actions.moves import look_at, note, stay
from signoff.releases.actions.signing import pass_signed
from signoff.releases.refusals import ReleaseOver
from signoff.releases.rows import BEFORE_LIVE, shipment_for
from signoff.releases.standing import digest_of, standing, wanted_of


def take_over_release(
    session: Session, principal: Principal, release_id: str, *, reason: str, version: int | None = None
) -> None:
    """Answer for a release from now on, in the place of whoever did. One that was held goes on as it would have, by its
    strategy; a signature of the caller's own counts no more.

    Args:
        version: the release's version as the caller saw it; None: as it is.

    Raises:
        NotFound, NotAllowed: as for deploying the agent.
        ReleaseOver: it serves already, or is over.
        ReleaseMoved: it moved on since the caller looked.
    """
    words = checked_reason(reason)
    made = shipment_for(session, principal, release_id, "agent.deploy")
    authorize_deploy(session, principal, made.agent, made.place, made.target)
    check_version(made, version)
    release, now = made.release, clock.now()
    if release.state not in BEFORE_LIVE:
        raise ReleaseOver(f"The release is {release.state.replace('_', ' ')}: there is nothing to take over any more.")
    was_held = release.held_since is not None
    stay(session, release, taken_over_by=principal.id, taken_over_by_name=principal.name, asked_with=principal.key_id)
    note(session, release, "taken_over", by=principal.actor, text=f"{principal.name} answers for it now: {words}")
    if release.state == "requested":
        wanted = wanted_of(session, made)
        if was_held and len(standing(session, made, digest_of(session, release))) >= wanted:
            pass_signed(session, principal, made)
        else:
            end_hold(session, made)
    elif was_held:
        stay(session, release, due_at=now)
        look_at(session, release, now)
