"""Making a draft equal again to what was frozen last, or to what serves."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.agents.actions import reset_draft
from signoff.agents.lookup import agent_for
from signoff.agents.refusals import NothingToResetTo
from signoff.deployments.queries import live_revisions
from signoff.people.access import Principal

LAST, LIVE = "last", "live"


def reset_draft_to(session: Session, principal: Principal, agent: str, *, to: str = LAST, version: int) -> int:
    """Make the draft that was opened as `version` equal to a revision; return the new version.

    Args:
        to: `last` for the revision frozen last, `live` for the one that serves in production, a number or an id.

    Raises:
        StaleDraft: somebody saved since.
        NothingToResetTo: nothing was frozen, or nothing serves.
    """
    if to != LIVE:
        return reset_draft(session, principal, agent, revision=None if to == LAST else to, version=version)
    found = agent_for(session, principal, agent, "agent.edit")
    # Production is the last of them; a key that is bound to one environment sees that one alone.
    serving = live_revisions(session, principal, [found.id])[found.id]
    if not serving:
        raise NothingToResetTo(f"No revision of {found.slug} serves yet. Reset to the one frozen last instead.")
    return reset_draft(session, principal, found.id, revision=serving[-1].revision_id, version=version)
