"""What each risk tier asks of a release beside its probes and signatures: by which way, how long it is watched.

Each number stands beside its reason. Environments other than production ask for nothing of it: that is where one tries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from signoff.releases.strategy import PLAIN, Canary, CanaryStep, Shadow, Strategy
from signoff.watch.probes.evidence import Tier

# Going back to one of the last three that served skips steps and gate: they were let in, and they are remembered. What
# served before that met other data, other tools and other prices; it goes through the gate like anything new.
ROLLBACK_WINDOW = 3
# The engine looks this often at a canary, a shadow, or what is watched: a bad candidate is noticed within a minute.
LOOK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """What one tier asks.

    Args:
        strategy: what is proposed when nobody says otherwise.
        watch_minutes: how long a release is watched once it serves.
        reason: why these numbers, for whoever reads them.
    """

    strategy: Strategy
    watch_minutes: int
    reason: str


def _step(percent: int, minutes: int, runs: int) -> CanaryStep:
    return CanaryStep(share_percent=Decimal(percent), minutes=minutes, min_runs=runs)


POLICY: dict[Tier, TierPolicy] = {
    "low": TierPolicy(
        PLAIN, 60,
        "It only reads or writes what is easily mended: going back is the cheapest test. An hour shows a broken login.",
    ),
    "medium": TierPolicy(
        Strategy(canary=Canary(steps=(_step(25, 60, 20),))), 240,
        "It writes inside the house. A quarter for an hour, and twenty runs: a doubled error rate begins to show.",
    ),
    "high": TierPolicy(
        Strategy(canary=Canary(steps=(_step(5, 60, 20), _step(25, 240, 50)))), 24 * 60,
        "It reaches people outside or moves money. One more pair of eyes on the diff; few see it first; a day is "
        "watched, because mornings and evenings differ.",
    ),
    "critical": TierPolicy(
        Strategy(
            shadow=Shadow(days=5),
            canary=Canary(steps=(_step(1, 240, 20), _step(5, 480, 50), _step(25, 24 * 60, 100))),
        ),
        3 * 24 * 60,
        "It cannot be undone. Two people sign; a working week as a shadow sees each weekday once before anybody is "
        "touched; three days are watched, because a harm may be noticed late.",
    ),
}  # fmt: skip


def reviewers_wanted(
    tier: Tier, asked: Mapping[Tier, int], *, is_production: bool, is_emergency: bool, is_rollback: bool
) -> int:
    """Return how many people must sign.

    Args:
        asked: what the workspace's policy says of each tier.
    """
    if not is_production or is_emergency or is_rollback:
        return 0
    return asked.get(tier, 0)


def default_strategy(tier: Tier, *, is_production: bool, is_something_live: bool) -> Strategy:
    """Return what is proposed: nothing is compared where nothing serves, or where one only tries."""
    return POLICY[tier].strategy if is_production and is_something_live else PLAIN


def watch_minutes(tier: Tier, strategy: Strategy, *, is_production: bool) -> int:
    """Return how long a release is watched once it serves."""
    if strategy.watch_minutes is not None:
        return strategy.watch_minutes
    return POLICY[tier].watch_minutes if is_production else 0
