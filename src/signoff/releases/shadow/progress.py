"""How far a shadow has come: on how many days there were pairs, and whether that is enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.kit import ids
from signoff.releases.shadow.settings import settings_in
from signoff.tables.releases import Release, ShadowPair

_DAYS_MAX = 400


@dataclass(frozen=True, slots=True)
class ShadowFinding:
    """Whether the shadow of a release has done its part. `reason` says so, or what is missing."""

    is_done: bool
    days: int
    pairs: int
    reason: str


def shadow_days(session: Session, release_id: str) -> int:
    """Return on how many days of UTC runs were asked for that have been compared. For rooms and the engine."""
    days, first = 0, ""
    while days < _DAYS_MAX:
        # From day to day in the index, whose ids sort by time: what happened within one costs nothing.
        run_id = session.scalar(
            select(func.min(ShadowPair.run_id)).where(
                ShadowPair.release_id == release_id, ShadowPair.state == "compared", ShadowPair.run_id >= first
            )
        )
        if run_id is None:
            break
        days += 1
        start = ids.moment_of(run_id).replace(hour=0, minute=0, second=0, microsecond=0)
        first = ids.first_at("run", start + timedelta(days=1))
    return days


def shadow_pairs(session: Session, release_id: str) -> int:
    """Return how many pairs have been compared. For rooms and the engine."""
    counted = select(func.count()).where(ShadowPair.release_id == release_id, ShadowPair.state == "compared")
    return session.scalar(counted) or 0


def shadow_finding(session: Session, release: Release) -> ShadowFinding:
    """Return whether there were pairs on enough days, and enough of them. For `advance`."""
    wanted = settings_in(release.strategy)
    days, pairs = shadow_days(session, release.id), shadow_pairs(session, release.id)
    have = f"{pairs} of {wanted.min_pairs} pairs, on {days} of {wanted.days} days"
    if days >= wanted.days and pairs >= wanted.min_pairs:
        return ShadowFinding(True, days, pairs, f"The shadow is done: {have}.")
    return ShadowFinding(False, days, pairs, f"The shadow goes on: {have}.")
