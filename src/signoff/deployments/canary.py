"""The candidate beside what serves: conditional updates of the one row. A release moves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.tables.deployments import LiveRevision
from signoff.tables.releases import Release


def begin_candidate(
    session: Session, release: Release, *, share: int, salt: str, cohort: Sequence[str] | None = None
) -> bool:
    """Let the release's revision take a share (of 10,000), and a cohort's keys. Returns whether it does: not when
    something else serves than what the release was compared with, or another candidate is there."""
    return _changed(
        session,
        release,
        LiveRevision.revision_id == release.previous_revision_id,
        LiveRevision.candidate_release_id.is_(None),
        candidate_revision_id=release.revision_id,
        candidate_release_id=release.id,
        share=share,
        salt=salt,
        cohort=list(cohort) if cohort else None,
    )


def set_share(session: Session, release: Release, share: int) -> bool:
    """Give the candidate a larger share. Returns whether it is still the release's, and the share is larger: a key that
    had the candidate keeps it."""
    return _changed(
        session, release, LiveRevision.candidate_release_id == release.id, LiveRevision.share < share, share=share
    )


def clear_candidate(session: Session, release: Release) -> bool:
    """Let what serves have everything again. Returns whether there was a candidate of this release."""
    return _changed(
        session,
        release,
        LiveRevision.candidate_release_id == release.id,
        candidate_revision_id=None,
        candidate_release_id=None,
        share=0,
        salt=None,
        cohort=None,
    )


def _changed(session: Session, release: Release, *conditions: Any, **values: Any) -> bool:
    changed = session.execute(
        update(LiveRevision)
        .where(
            LiveRevision.agent_id == release.agent_id,
            LiveRevision.environment_id == release.environment_id,
            *conditions,
        )
        .values(**values)
        .returning(LiveRevision.agent_id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(changed) == 1
