"""`python -m benchmarks.canary_calibration [--releases=N]`: how often a comparison errs, and how soon it finds.

Simulates releases with the product's own code, looks after every block, and writes docs/reference/calibration.md.
Everything follows from one seed.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

from benchmarks.rounds import ROOT
from signoff.deployments.analysis.bets import Bets
from signoff.deployments.analysis.evidence import MeasureBlock, Moments
from signoff.deployments.analysis.measures import LEAST_DEVIATION, Gathered, margin_of
from signoff.deployments.analysis.metrics import (
    COST,
    DENIALS,
    DURATION,
    ERRORS,
    NEEDS_INPUT,
    SCORE,
    TOOL_CALLS,
    Metric,
)

PAGE = ROOT / "docs" / "reference" / "calibration.md"
SEED = 20261127
BASES = (0.01, 0.05, 0.10)
SHARES = (0.05, 0.25, 0.50)
WORKERS = 2
RUNS_MAX = 150_000
DAYS_MAX = 365
RATES = {NEEDS_INPUT: 0.10, DENIALS: 0.05}
MEASURES: dict[Metric, Callable[[random.Random], float]] = {
    COST: lambda chance: chance.lognormvariate(math.log(0.02), 0.8),
    # One run in fifty hangs until its limit.
    DURATION: lambda chance: 1_800.0 if chance.random() < 0.02 else chance.lognormvariate(math.log(40), 0.6),
    TOOL_CALLS: lambda chance: float(round(chance.lognormvariate(math.log(4), 0.5))),
    SCORE: lambda chance: min(1.0, max(0.0, chance.gauss(0.85, 0.2))),
}


@dataclass(frozen=True)
class Volume:
    """Runs a day; in how many blocks, with a look after each; and for how many days when nothing differs."""

    runs: int
    blocks_a_day: int
    days: int


VOLUMES = (Volume(10, 1, 60), Volume(100, 4, 30), Volume(1_000, 12, 10))


class Watched:
    """One release, looked at after every block: what the product's verdict `worse` hangs on, kept as running sums."""

    def __init__(self, *, is_errors_only: bool = False) -> None:
        rates = [ERRORS] if is_errors_only else [ERRORS, *RATES]
        self.rates = {metric: Bets(1 + metric.margin.relative, metric.margin.absolute) for metric in rates}
        self.bare = {metric: Bets() for metric in rates}
        self.better = Bets(1 + ERRORS.margin.relative, ERRORS.margin.absolute)
        self.measures = {} if is_errors_only else {one: Gathered(LEAST_DEVIATION[one.kind]) for one in MEASURES}

    def look(self, chance: random.Random, candidate: int, live: int, error_rates: tuple[float, float]) -> None:
        """Take in a block of so many runs."""
        for metric, bets in self.rates.items():
            ours, theirs = error_rates if metric is ERRORS else (RATES[metric], RATES[metric])
            ours_hit, theirs_hit = drawn(chance, candidate, ours), drawn(chance, live, theirs)
            bets.add(candidate, ours_hit, live, theirs_hit)
            self.bare[metric].add(candidate, ours_hit, live, theirs_hit)
            if metric is ERRORS:
                self.better.add(live, theirs_hit, candidate, ours_hit)
        for metric, gathered in self.measures.items():
            draw = MEASURES[metric]
            sides = (Moments.of(metric.scaled(draw(chance)) for _ in range(count)) for count in (candidate, live))
            gathered.add(MeasureBlock(*sides))

    def is_worse(self) -> bool:
        """Whether the product calls the candidate worse now."""
        return any(is_enough(*one) for one in self.rates.items()) or any(
            is_beyond(one, gathered, margin_of(one)) for one, gathered in self.measures.items()
        )

    def is_past_zero(self) -> bool:
        """Whether the bound of any metric is past no difference at all, margin or not."""
        return any(is_enough(*one) for one in self.bare.items()) or any(
            is_beyond(one, gathered, 0.0) for one, gathered in self.measures.items()
        )


def is_enough(metric: Metric, bets: Bets) -> bool:
    return bets.log_e >= math.log(1 / metric.alpha)


def is_beyond(metric: Metric, gathered: Gathered, margin: float) -> bool:
    found = gathered.difference()
    if found is None or min(gathered.candidate.count, gathered.live.count) < metric.runs_min:
        return False
    harm = found.effect if metric.is_more_worse else -found.effect
    return harm - found.reach(metric.alpha) > margin


def drawn(chance: random.Random, runs: int, rate: float) -> int:
    return sum(chance.random() < rate for _ in range(runs))


def false_alarms(volume: Volume, share: float, base: float, releases: int) -> tuple[int, int, int]:
    """Return in how many releases without any difference, at any look, the candidate was called worse; a bound was
    past no difference; and errors were called better.
    """
    chance = random.Random(f"{SEED} equal {volume} {share} {base}")
    counts = [0, 0, 0]
    for _ in range(releases):
        watched, seen = Watched(), [False, False, False]
        for runs in blocks(volume, volume.days):
            candidate = drawn(chance, runs, share)
            watched.look(chance, candidate, runs - candidate, (base, base))
            now = (watched.is_worse(), watched.is_past_zero(), is_enough(ERRORS, watched.better))
            seen = [before or one for before, one in zip(seen, now, strict=True)]
        counts = [count + one for count, one in zip(counts, seen, strict=True)]
    return counts[0], counts[1], counts[2]


def delays(volume: Volume, share: float, rates: tuple[float, float], releases: int) -> list[tuple[float, float, bool]]:
    """Return for each release (candidate's runs, days, whether called worse) until a verdict; inf when none came."""
    chance = random.Random(f"{SEED} differs {volume} {share} {rates}")
    found: list[tuple[float, float, bool]] = []
    for _ in range(releases):
        watched, seen, ended = Watched(is_errors_only=True), 0, (math.inf, math.inf, False)
        for number, runs in enumerate(blocks(volume, min(DAYS_MAX, RUNS_MAX // volume.runs)), 1):
            candidate = drawn(chance, runs, share)
            seen += candidate
            watched.look(chance, candidate, runs - candidate, rates)
            is_called_worse = watched.is_worse()
            if is_called_worse or is_enough(ERRORS, watched.better):
                ended = (seen, number / volume.blocks_a_day, is_called_worse)
                break
        found.append(ended)
    return found


def blocks(volume: Volume, days: int) -> list[int]:
    """Return the number of runs of each block; a day has all of its runs."""
    per = [volume.runs // volume.blocks_a_day] * volume.blocks_a_day
    per[-1] += volume.runs - sum(per)
    return per * days


def median(values: list[float], part: float = 0.5) -> str:
    value = sorted(values)[min(len(values) - 1, int(len(values) * part))]
    return "–" if math.isinf(value) else f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def upper_bound(hits: int, count: int) -> float:
    """Return the 95 % upper bound of a share (Clopper and Pearson), by bisection."""
    low, high = hits / count, 1.0 - 1e-12
    for _ in range(50):
        middle = (low + high) / 2
        tail = sum(math.exp(log_binomial(count, k, middle)) for k in range(hits + 1))
        low, high = (middle, high) if tail > 0.05 else (low, middle)
    return high


def log_binomial(count: int, hits: int, rate: float) -> float:
    ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
    return ways + (hits * math.log(rate) if hits else 0.0) + (count - hits) * math.log1p(-rate)


def equal_table(pool: Executor, releases: int) -> list[str]:
    lines = [
        "| runs a day | days | looks | share | base 1 % | base 5 % | base 10 % |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    total = all_worse = all_past = all_better = 0
    asked = [(volume, share, base, releases) for volume, share, base in product(VOLUMES, SHARES, BASES)]
    results = pool.map(false_alarms, *zip(*asked, strict=True))
    for volume, share in product(VOLUMES, SHARES):
        cells: list[str] = []
        for base in BASES:
            worse, past, better = next(results)
            total, all_worse, all_past, all_better = (
                total + releases, all_worse + worse, all_past + past, all_better + better
            )  # fmt: skip
            cells.append(f"{worse} (past zero: {past})")
            say(f"equal {volume.runs} {share} {base}: {worse} worse, {past} past zero, {better} better")
        looks = volume.blocks_a_day * volume.days
        lines.append(f"| {volume.runs:,} | {volume.days} | {looks} | {share * 100:.0f} % | {' | '.join(cells)} |")
    called = f"Of {total:,} releases together, {_share(all_worse, total)} were called worse. The promise is 1 %."
    past = f"A bound was past zero in {_share(all_past, total)}."
    return [*lines, "", called, past, f"Errors were called better in {_share(all_better, total)}."]


def _share(hits: int, count: int) -> str:
    return f"{hits} ({hits / count * 100:.2f} %; with 95 % confidence at most {upper_bound(hits, count) * 100:.2f} %)"


def differing_table(
    pool: Executor, releases: int, rates: Callable[[float], tuple[float, float]], bases: tuple[float, ...]
) -> list[str]:
    lines = [
        "| base | runs a day | share | worse | better | candidate's runs: median | 90th | days: median | 90th |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    asked = [(volume, share, rates(base), releases) for base, volume, share in product(bases, VOLUMES, SHARES)]
    results = pool.map(delays, *zip(*asked, strict=True))
    for base, volume, share in product(bases, VOLUMES, SHARES):
        found = next(results)
        worse = sum(one[2] for one in found)
        better = sum(not one[2] and not math.isinf(one[0]) for one in found)
        runs, days = [one[0] for one in found], [one[1] for one in found]
        said = " | ".join((median(runs), median(runs, 0.9), median(days), median(days, 0.9)))
        parts = (share, worse / releases, better / releases)
        start = f"| {base * 100:.0f} % | {volume.runs:,} | {' | '.join(f'{part * 100:.0f} %' for part in parts)} |"
        lines.append(f"{start} {said} |")
        say(lines[-1])
    return lines


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


WORDS = """\
# How often a comparison errs, and how soon it finds

Made by `python -m benchmarks.canary_calibration`, seed {seed}; the same seed gives the same page. [How variants are
compared](../explanation/analysis.md) says what is measured here. Everything is decided by the product's own code, with
its default metrics, margins and error budget, and looked at after every block: once a day at 10 runs a day, every six
hours at 100, every two hours at 1,000. Each run falls to the candidate with the probability of its share.

## No difference

The candidate is the same agent again. Seven metrics are watched: errors at the base rate, 10 % of runs
that ask, 5 % with a denied call, lognormal cost (σ 0.8), lognormal duration of which one in fifty hangs for half an
hour, tool calls, and a score cut off at 1. In how many of {equal} releases of each kind was the candidate called worse
at any look; and in how many was the bound of any metric past no difference at all, which without a margin would have
been enough:

{equal_table}

## Twice the errors

Called worse when errors are higher by more than the margin (a fifth of the rate, and 0.05 points). {differs} releases
of each kind, followed for {days_max} days or {runs_max} runs at most; a dash: not in that time.

{worse_table}

## Half the errors

The same, until errors are called better.

{better_table}

## Half of all runs fail

A candidate that is plainly broken.

{broken_table}

## What to take from it

- A candidate that is plainly broken is found within fifteen to fifty of its runs, sooner in smaller blocks. A doubled
  rate takes hundreds of its runs, and at a base rate of 1 % thousands: that is the price of one false rollback in a
  hundred releases under any number of looks, and of a margin.
- A small share needs fewer runs of the candidate, because what serves is then known well; and more days.
- At ten runs a day a canary alone finds only what is plainly broken. There, evidence from pairs has to do it: a shadow
  or a replay compares both on the same input, and two hundred old inputs are there on the first day.
"""


def main(words: list[str]) -> None:
    """Simulate and write the page; `--releases=N` for fewer or more of each kind, printed only."""
    asked = next((int(word.partition("=")[2]) for word in words if word.startswith("--releases=")), None)
    equal, differs = (asked, asked) if asked else (200, 40)
    began = time.perf_counter()
    with ProcessPoolExecutor(WORKERS) as pool:
        page = WORDS.format(
            seed=SEED,
            days_max=DAYS_MAX,
            runs_max=f"{RUNS_MAX:,}",
            equal=equal,
            differs=differs,
            equal_table="\n".join(equal_table(pool, equal)),
            worse_table="\n".join(differing_table(pool, differs, lambda base: (2 * base, base), BASES)),
            better_table="\n".join(differing_table(pool, differs, lambda base: (base / 2, base), (0.10,))),
            broken_table="\n".join(differing_table(pool, differs, lambda base: (0.5, base), (0.05,))),
        )
    say(f"{time.perf_counter() - began:.0f} seconds")
    if asked:
        print(page)
    else:
        PAGE.write_text(page)


if __name__ == "__main__":
    main(sys.argv[1:])
