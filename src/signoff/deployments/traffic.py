"""Which revision a new run gets: what serves, or a canary's candidate. One row is read; nothing moves by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.deployments.bucket import BUCKETS, bucket
from signoff.tables.deployments import LiveRevision
from signoff.tables.prepared import Prepared

# A share is so many of these.
SHARES = BUCKETS
# Built once: it is asked with every request for a run.
_SERVING = Prepared(
    select(
        LiveRevision.revision_id,
        LiveRevision.release_id,
        LiveRevision.candidate_revision_id,
        LiveRevision.candidate_release_id,
        LiveRevision.share,
        LiveRevision.salt,
        LiveRevision.cohort,
    ).where(LiveRevision.agent_id == bindparam("of_agent"), LiveRevision.environment_id == bindparam("of_environment"))
)


@dataclass(frozen=True, slots=True)
class Route:
    """A revision, as which variant, and under which release; no release: it serves as the first."""

    revision_id: str
    variant: Literal["live", "candidate"]
    release_id: str | None


def route(session: Session, agent_id: str, environment_id: str, key: str) -> Route | None:
    """Return what a run with this sticky key gets, or None: nothing serves there.

    A key below the share stays with the candidate while the share grows, and never comes back.
    """
    row = _SERVING.first(session, {"of_agent": agent_id, "of_environment": environment_id})
    if row is None:
        return None
    if row.candidate_revision_id is not None and (key in (row.cohort or ()) or bucket(row.salt or "", key) < row.share):
        return Route(row.candidate_revision_id, "candidate", row.candidate_release_id)
    return Route(row.revision_id, "live", row.release_id)
