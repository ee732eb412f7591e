"""Whether the candidate really gets the share it was given: counted by keys, not by runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from signoff.deployments.analysis.shares import SampleRatio, Step, sample_ratio
from signoff.deployments.traffic import SHARES
from signoff.kit import ids
from signoff.releases.strategy import Canary
from signoff.tables.releases import Release, ReleaseEvent
from signoff.tables.runs import Run

# Of a release's first runs: a split that is right for so many is right.
_RUNS = 50_000
_STEPS_MAX = 50


def share_steps(session: Session, release: Release) -> list[tuple[datetime, int]]:
    """Return since when the candidate had which share of 10,000, as the release's timeline tells."""
    rows = session.execute(
        select(ReleaseEvent.at, ReleaseEvent.detail)
        .where(ReleaseEvent.release_id == release.id, ReleaseEvent.kind.in_(("canary", "step")))
        .order_by(ReleaseEvent.seq)
        .limit(_STEPS_MAX)
    )
    return [(row.at, int(row.detail["share"])) for row in rows if "share" in row.detail]


def split_of(session: Session, release: Release, canary: Canary | None, until: datetime) -> SampleRatio:
    """Compare how keys were split with the shares of the canary's steps. Keys of a cohort do not count."""
    steps = share_steps(session, release)
    if not steps:
        return sample_ratio([])
    key = func.coalesce(Run.sticky_key, Run.external_id, Run.input_key, Run.id)
    first_runs = (
        select(Run.id.label("id"), key.label("key"))
        .where(
            Run.agent_id == release.agent_id,
            Run.environment_id == release.environment_id,
            Run.id >= ids.first_at("run", steps[0][0]),
            Run.id < ids.first_at("run", until),
            Run.variant.in_(("live", "candidate")),
        )
        .order_by(Run.id)
        .limit(_RUNS)
        .subquery()
    )
    # With the run that its key came with first: later runs of the key follow it.
    came = select(func.min(first_runs.c.id).label("id")).group_by(first_runs.c.key)
    if canary is not None and canary.cohort:
        came = came.where(first_runs.c.key.not_in(canary.cohort))
    came_first = came.subquery()
    starts = [ids.first_at("run", at) for at, _ in steps]
    whens = [(Run.id >= start, number) for number, start in enumerate(starts)]
    step = case(*reversed(whens), else_=0)
    rows = session.execute(
        select(step, Run.variant, func.count()).join(came_first, came_first.c.id == Run.id).group_by(step, Run.variant)
    )
    counts = [[0, 0] for _ in steps]
    for number, variant, keys in rows:
        counts[number][0 if variant == "candidate" else 1] += keys
    return sample_ratio([Step(share / SHARES, *got) for (_, share), got in zip(steps, counts, strict=True)])
