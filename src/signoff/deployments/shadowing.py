"""Whether a release's revision tries again what was answered: two columns of the row that says what serves."""

from __future__ import annotations

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from signoff.deployments.traffic import SHARES
from signoff.tables.deployments import LiveRevision
from signoff.tables.releases import Release


def begin_shadow(session: Session, release: Release, share: int) -> bool:
    """Let a share (of 10,000) of what completes be tried by this release. Beginning again changes the share.

    False when nothing serves there, another release shadows, or a canary is under way: nothing was changed.
    """
    begun = session.execute(
        update(LiveRevision)
        .where(
            LiveRevision.agent_id == release.agent_id,
            LiveRevision.environment_id == release.environment_id,
            LiveRevision.candidate_revision_id.is_(None),
            or_(LiveRevision.shadow_release_id.is_(None), LiveRevision.shadow_release_id == release.id),
        )
        # The salt is the release's own, so that each release has a sample of its own. Its id will do: what is sampled
        # goes by the run's id, which no caller chooses.
        .values(shadow_release_id=release.id, shadow_share=max(0, min(share, SHARES)), salt=release.id)
        .returning(LiveRevision.agent_id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(begun) == 1


def end_shadow(session: Session, release: Release) -> bool:
    """Let nothing more be tried by this release. False when it did not shadow."""
    ended = session.execute(
        update(LiveRevision)
        .where(
            LiveRevision.agent_id == release.agent_id,
            LiveRevision.environment_id == release.environment_id,
            LiveRevision.shadow_release_id == release.id,
        )
        .values(shadow_release_id=None, shadow_share=0)
        .returning(LiveRevision.agent_id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(ended) == 1
