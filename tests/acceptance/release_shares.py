"""Which revision every accepted run had to get, and how many of a share must: judged by the rows and by their times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, lgamma, log

from signoff.deployments.bucket import BUCKETS, bucket
from signoff.kit import ids
from tests.acceptance.release_load import Asked

# A share that holds lies in its interval in 999 of 1,000 tries.
TAIL = 0.0005


@dataclass(frozen=True)
class Held:
    """What was true from one moment, when the answer to its request had come, to another, when the next was made."""

    since: datetime
    until: datetime
    live: int
    candidate: int | None = None
    share: int = 0
    salt: str = ""

    def covers(self, run: Accepted) -> bool:
        # A run gets its id before its revision, and its moment after: both within is the choice within.
        return ids.first_at("run", self.since) <= run.id and run.created_at <= self.until

    def revision_for(self, key: str) -> int:
        if self.candidate is not None and bucket(self.salt, key) < self.share:
            return self.candidate
        return self.live


@dataclass(frozen=True)
class Accepted:
    """One run, as its row says."""

    id: str
    created_at: datetime
    sticky_key: str | None
    revision: int
    output: str

    @property
    def key(self) -> str:
        return self.sticky_key or self.id


def lost_or_doubled(asked: Sequence[Asked], runs: Sequence[Accepted]) -> list[str]:
    """Return what is wrong between what callers were told and the runs there are: each request is exactly one run."""
    told = {one.run: one.revision for one in asked}
    found = {run.id: run.revision for run in runs}
    wrong = [f"{len(asked) - len(told)} requests got another's run"] if len(told) != len(asked) else []
    wrong += [f"{run} is lost" for run in told.keys() - found.keys()]
    wrong += [f"nobody asked for {run}" for run in found.keys() - told.keys()]
    return wrong + [f"{run} has another revision than told" for run in told.keys() & found if told[run] != found[run]]


def mixed(runs: Sequence[Accepted], answers: dict[int, str]) -> list[str]:
    """Return the runs whose answer is not their revision's."""
    return [f"{run.id} of {run.revision}: {run.output}" for run in runs if run.output != answers[run.revision]]


def misplaced(runs: Sequence[Accepted], held: Sequence[Held]) -> list[str]:
    """Return the runs of another revision than what was true and their key say."""
    return [
        f"{run.key} got {run.revision} under {what}"
        for what in held
        for run in runs
        if what.covers(run) and run.revision != what.revision_for(run.key)
    ]


@dataclass(frozen=True)
class Measured:
    """Of one share: how many runs without a key there were, and how many got the candidate."""

    count: int
    hits: int
    low: int
    high: int

    @property
    def holds(self) -> bool:
        return self.low <= self.hits <= self.high


def shares(runs: Sequence[Accepted], held: Sequence[Held]) -> dict[int, Measured]:
    """Measure each share, of 10,000, by the runs that were accepted while it was in force.

    Keys say nothing of a share: the same few come again and again.
    """
    found: dict[int, Measured] = {}
    for share in sorted({what.share for what in held if what.candidate is not None}):
        mine = [
            run.revision == what.candidate
            for what in held
            if what.share == share and what.candidate is not None
            for run in runs
            if run.sticky_key is None and what.covers(run)
        ]
        found[share] = Measured(len(mine), sum(mine), *interval(len(mine), share / BUCKETS))
    return found


def interval(count: int, chance: float) -> tuple[int, int]:
    """Return between which numbers the hits of `count` tries lie, but for `TAIL` on either side; exactly."""
    low, below = 0, _mass(count, chance, 0)
    while below < TAIL:
        low += 1
        below += _mass(count, chance, low)
    high, above = count, _mass(count, chance, count)
    while above < TAIL:
        high -= 1
        above += _mass(count, chance, high)
    return low, high


def _mass(count: int, chance: float, hits: int) -> float:
    ways = lgamma(count + 1) - lgamma(hits + 1) - lgamma(count - hits + 1)
    return exp(ways + hits * log(chance) + (count - hits) * log(1 - chance))
