"""How much of the time that a run may take is left to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.runs.facts import RunContext
from signoff.runs.family import Kin, body_of, family_of
from signoff.tables.runs import Leg


def seconds_left(session: Session, run: RunContext, *, wall_seconds_max: float) -> float:
    """Return how long a run may still work: the least that is left to it, or to one above it.

    What runs took that came of one counts to that one too, so that calling others wins it no time.
    """
    own = min(run.body.limits.wall_seconds, wall_seconds_max)
    if run.depth == 0 and run.leg == 1:
        return own
    family = family_of(session, run.family_id)
    used = _used(session, list(family.runs), before=(run.run_id, run.leg))
    left = own - _sum(used, run.run_id, family.below(run.run_id))
    for kin in family.above(run.run_id):
        most = min(body_of(session, kin).limits.wall_seconds, wall_seconds_max)
        left = min(left, most - _sum(used, kin.id, family.below(kin.id)))
    return left


def _sum(used: dict[str, float], run_id: str, below: Iterable[Kin]) -> float:
    return used[run_id] + sum(used[kin.id] for kin in below)


def _used(session: Session, run_ids: list[str], *, before: tuple[str, int]) -> dict[str, float]:
    """Return run → the seconds of its legs that have ended; of the run that begins one, of those before it."""
    found: dict[str, float] = defaultdict(float)
    rows = session.execute(
        select(Leg.run_id, Leg.number, Leg.started_at, Leg.ended_at).where(
            Leg.run_id.in_(run_ids), Leg.ended_at.is_not(None)
        )
    )
    for run_id, number, since, until in rows:
        if until is not None and (run_id != before[0] or number < before[1]):
            found[run_id] += (until - since).total_seconds()
    return found
