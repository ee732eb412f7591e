"""Simulated releases, seeded, so that a test says the same on every machine."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from signoff.deployments.analysis.evidence import MeasureBlock, Moments, RateBlock


def hits(chance: random.Random, runs: int, rate: float) -> int:
    return sum(chance.random() < rate for _ in range(runs))


def rate_blocks(
    chance: random.Random, *, candidate: float, live: float, runs: tuple[int, int] = (5, 5), count: int = 100
) -> Iterator[RateBlock]:
    for _ in range(count):
        yield RateBlock(runs[0], hits(chance, runs[0], candidate), runs[1], hits(chance, runs[1], live))


def lognormal_block(
    chance: random.Random, runs: tuple[int, int], *, factor: float = 1.0, deviation: float = 0.8
) -> MeasureBlock:
    # The logarithms of values that are large beside their unit.
    return MeasureBlock(
        Moments.of(chance.gauss(math.log(factor), deviation) for _ in range(runs[0])),
        Moments.of(chance.gauss(0.0, deviation) for _ in range(runs[1])),
    )
