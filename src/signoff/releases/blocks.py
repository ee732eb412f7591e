"""The facts of both variants, in blocks of time, as sums: what a comparison is made from.

A block is compared only once it is over, and where it begins and ends is settled before anything is seen: looking at
a release every minute then errs no more often than looking once. Blocks go by when a run ended, because a run that
ends late would otherwise change what was compared already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, Integer, Table, func, literal, select, type_coerce
from sqlalchemy.orm import Session

from signoff.deployments.analysis.evidence import MeasureBlock, Moments, RateBlock
from signoff.deployments.analysis.metrics import COST, DENIALS, DURATION, ERRORS, NEEDS_INPUT, SCORE, TOOL_CALLS, Metric
from signoff.kit import ids
from signoff.tables.base import Moment
from signoff.tables.releases import Release
from signoff.tables.signals import Signal

# So many newest runs of both variants are compared; what is older has been, many times over.
RUNS_MAX = 200_000
# In a watch, where the candidate took the place of what it is compared with: so many of each, in blocks of ten.
WATCHED_MAX, WATCHED_BLOCK = 5_000, 10
# A run that ended just now may not be committed yet.
SETTLING = timedelta(seconds=10)
# A canary has about so many blocks; one that goes on longer gets ten times, then a hundred times as long ones.
BLOCKS = 100
_SHORTEST_SECONDS = 60.0
_NANO = 1e9

RATES: tuple[Metric, ...] = (ERRORS, NEEDS_INPUT, DENIALS)
MEASURES: tuple[Metric, ...] = (COST, DURATION, TOOL_CALLS, SCORE)
_signals = cast("Table", Signal.__table__)


@dataclass(slots=True)
class Side:
    """One variant in one block: its runs, the hits of each rate, the moments of each measure on its scale."""

    runs: int = 0
    hits: dict[str, int] = field(default_factory=dict[str, int])
    moments: dict[str, Moments] = field(default_factory=dict[str, Moments])

    def add(self, other: Side) -> None:
        """Take in more of the same block."""
        self.runs += other.runs
        for name, number in other.hits.items():
            self.hits[name] = self.hits.get(name, 0) + number
        for name, moments in other.moments.items():
            self.moments[name] = self.moments.get(name, Moments()) + moments


@dataclass(slots=True)
class Block:
    """Both variants in one stretch of time."""

    candidate: Side = field(default_factory=Side)
    live: Side = field(default_factory=Side)

    def rate(self, metric: Metric) -> RateBlock:
        """Return one rate of it."""
        one, other = self.candidate, self.live
        return RateBlock(one.runs, one.hits.get(metric.name, 0), other.runs, other.hits.get(metric.name, 0))

    def measure(self, metric: Metric) -> MeasureBlock:
        """Return one measure of it."""
        empty = Moments()
        return MeasureBlock(self.candidate.moments.get(metric.name, empty), self.live.moments.get(metric.name, empty))


def width_of(minutes: int) -> float:
    """Return the seconds of a block in a canary that is planned to take so many minutes."""
    return max(_SHORTEST_SECONDS, minutes * 60 / BLOCKS)


def coarse(index: int) -> tuple[int, int]:
    """Return which block a stretch of time belongs to, and the first stretch that does not any more.

    The first hundred are blocks themselves; after them ten stretches are one block, then a hundred.
    """
    start, span, number = 0, 1, 0
    while index >= start + BLOCKS * span:
        start, span, number = start + BLOCKS * span, span * 10, number + BLOCKS
    inside = (index - start) // span
    return number + inside, start + (inside + 1) * span


def canary_blocks(
    session: Session, release: Release, *, since: datetime, until: datetime, seconds: float
) -> list[Block]:
    """Return what both variants did while the candidate had a share: of runs asked for since then, real ones only."""
    one = _signals.c
    is_candidate = (one.variant == "candidate") & (one.release_id == release.id)
    newest = (
        select(_signals)
        .where(
            one.agent_id == release.agent_id,
            one.environment_id == release.environment_id,
            one.run_id >= ids.first_at("run", since),
            *_counts(),
            is_candidate | (one.variant == "live"),
            one.ended_at < until,
        )
        .order_by(one.run_id.desc())
        .limit(RUNS_MAX)
        .subquery()
    )
    index = _index(session.get_bind().dialect.name, newest.c.ended_at, since, seconds)
    statement = select(newest.c.variant, index.label("stretch"), *_sums(newest)).group_by(newest.c.variant, index)
    last, _ = coarse(int((until - since).total_seconds() // seconds))
    found: dict[int, Block] = {}
    for row in session.execute(statement).mappings():
        number, _ = coarse(max(0, row["stretch"]))
        if number >= last:
            continue  # It is not over.
        block = found.setdefault(number, Block())
        (block.candidate if row["variant"] == "candidate" else block.live).add(_side(row))
    return [found[number] for number in sorted(found)]


def watched_blocks(session: Session, release: Release, *, since: datetime, until: datetime) -> list[Block]:
    """Return what the release did since it serves, ten runs at a time, each beside ten that its predecessor did before.

    What was before is not what would have been: a bad hour counts against the release. That is what a watch is for.
    """
    one = _signals.c
    here = (one.environment_id == release.environment_id, *_counts(), one.variant == "live")
    now_live = (
        select(*_facts())
        .where(one.release_id == release.id, *here, one.run_id >= ids.first_at("run", since), one.ended_at < until)
        .order_by(one.run_id)
        .limit(WATCHED_MAX)
    )
    before = (
        select(*_facts())
        .where(one.revision_id == release.previous_revision_id, *here, one.run_id < ids.first_at("run", since))
        .order_by(one.run_id.desc())
        .limit(WATCHED_MAX)
    )
    after = sorted(session.execute(now_live), key=lambda row: (row.ended_at, row.run_id))
    pairs = zip(_tens(after), _tens(session.execute(before).all()), strict=False)
    return [Block(_side_of(new), _side_of(old)) for new, old in pairs]


def candidate_runs_since(session: Session, release: Release, variant: str, moment: datetime) -> int:
    """Return how many runs of the release ended since a moment, counted up to the newest 100,000."""
    one = _signals.c
    newest = (
        select(one.ended_at)
        .where(one.release_id == release.id, one.variant == variant, *_counts())
        .order_by(one.run_id.desc())
        .limit(100_000)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(newest).where(newest.c.ended_at >= moment)) or 0


def _counts() -> tuple[ColumnElement[bool], ...]:
    """Tests, rehearsals and what somebody called off say nothing of how good a revision is."""
    one = _signals.c
    return (one.origin == "production", one.mode == "live", one.status != "cancelled")


def _index(dialect: str, moment: Any, since: datetime, seconds: float) -> Any:
    start = literal(since, type_=Moment)
    if dialect == "postgresql":
        return func.floor(func.extract("epoch", moment - start) / seconds).cast(Integer)
    return ((func.julianday(moment) - func.julianday(start)) * (86_400.0 / seconds)).cast(Integer)


def _hits(table: Any) -> dict[str, ColumnElement[bool]]:
    return {ERRORS.name: table.is_error, NEEDS_INPUT.name: table.needed_input, DENIALS.name: table.approvals_denied > 0}


def _sums(table: Any) -> list[Any]:
    found: list[Any] = [func.count().label("runs")]
    found += [func.count().filter(hit).label(f"{name}_hits") for name, hit in _hits(table.c).items()]
    values: dict[Metric, Any] = {
        COST: type_coerce(table.c.cost_usd, BigInteger) / _NANO,
        DURATION: table.c.duration_seconds,
        TOOL_CALLS: table.c.tool_calls * 1.0,
        SCORE: table.c.score,
    }
    for metric, value in values.items():
        # As `Metric.scaled` does it.
        scaled = func.ln(1.0 + value / metric.unit) if metric.kind == "ratio" else value
        found += [
            func.count(value).label(f"{metric.name}_count"),
            func.coalesce(func.sum(scaled), 0.0).label(f"{metric.name}_total"),
            func.coalesce(func.sum(scaled * scaled), 0.0).label(f"{metric.name}_squares"),
        ]
    return found


def _side(row: Mapping[Any, Any]) -> Side:
    moments = {
        metric.name: Moments(*(row[f"{metric.name}_{part}"] for part in ("count", "total", "squares")))
        for metric in MEASURES
    }
    return Side(row["runs"], {metric.name: row[f"{metric.name}_hits"] for metric in RATES}, moments)


def _facts() -> list[Any]:
    names = (
        "run_id", "ended_at", "is_error", "needed_input", "approvals_denied", "cost_usd", "duration_seconds",
        "tool_calls", "score",
    )  # fmt: skip
    return [_signals.c[name] for name in names]


def _tens(rows: Sequence[Any]) -> list[Sequence[Any]]:
    whole = len(rows) - len(rows) % WATCHED_BLOCK
    return [rows[start : start + WATCHED_BLOCK] for start in range(0, whole, WATCHED_BLOCK)]


def _side_of(rows: Iterable[Any]) -> Side:
    kept = list(rows)
    hits = {
        ERRORS.name: sum(row.is_error for row in kept),
        NEEDS_INPUT.name: sum(row.needed_input for row in kept),
        DENIALS.name: sum(row.approvals_denied > 0 for row in kept),
    }
    values = {
        COST: [float(row.cost_usd) for row in kept],
        DURATION: [row.duration_seconds for row in kept],
        TOOL_CALLS: [float(row.tool_calls) for row in kept],
        SCORE: [row.score for row in kept if row.score is not None],
    }
    return Side(len(kept), hits, {one.name: Moments.of(map(one.scaled, found)) for one, found in values.items()})
