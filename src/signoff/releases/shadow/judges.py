"""Who judged a shadow's pairs: where four eyes are wanted, its author is not the only judge."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.deployments.hands import authors_of, people_behind
from signoff.tables.agents import Revision
from signoff.tables.people import Environment
from signoff.tables.releases import Release, ShadowPair

LONELY = (
    "Only whoever wrote the revision judged its pairs, and four eyes are wanted here: that they were better or the "
    "same counts once somebody else has judged one, too."
)
_JUDGES_MAX = 1_000


def only_authors_judged(session: Session, release: Release) -> bool:
    """Return whether a release's pairs were judged, by nobody but its author, in an environment that wants four eyes.

    What the author calls worse counts all the same: nobody needs a second person to hold their own work back.
    """
    if not session.get_one(Environment, release.environment_id).is_four_eyes:
        return False
    judges = session.scalars(
        select(ShadowPair.judged_by)
        .where(ShadowPair.release_id == release.id, ShadowPair.judged_by.is_not(None))
        .distinct()
        .limit(_JUDGES_MAX)
    ).all()
    authors = authors_of(session, session.get_one(Revision, release.revision_id))
    return bool(judges) and people_behind(session, [one for one in judges if one]) <= authors
