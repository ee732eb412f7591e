"""Pots: what money is counted in. A run has one; a workspace, an environment and an agent have one for each day, and
for each week and month that somebody set a limit for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

from signoff.budgets.windows import Period, key_of, zone_of

Scope = Literal["agent", "environment", "workspace"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
# Whose money a limit counts: every run's, that of real work, that of test runs.
Covers = Literal["all", "production", "test"]
COVERS: tuple[Covers, ...] = get_args(Covers)
PotKind = Literal["run", "parent", "day", "test", "environment", "agent", "workspace", "shadow", "evaluation"]
ReservationState = Literal["held", "settled", "released"]

ALERT_PERCENT = 80
_RAISE = "Wait until {next}, or ask an administrator to raise the limit."
_NEXT: dict[Period, str] = {"day": "tomorrow", "week": "Monday", "month": "the first of next month"}
_MONEY: dict[Covers, str] = {"all": "", "production": " on real work", "test": " on test runs"}
# These three are counted for every call, limited or not, and had their names before there were others.
_OLD_NAMES: dict[tuple[Scope, Period, Covers], str] = {
    ("workspace", "day", "all"): "day",
    ("workspace", "day", "test"): "test",
    ("environment", "day", "all"): "place",
}
_OLD_KINDS: dict[str, PotKind] = {"day": "day", "test": "test", "place": "environment"}


@dataclass(frozen=True, slots=True)
class Pot:
    """One counter and its cap in dollars; no cap counts and never refuses.

    Args:
        words: how a sentence about it begins.
        remedy: what a person can do when it is empty.
        told_usd: the limit that people are told of when it comes near; also where it refuses nothing.
        warn_usd: how much spent they are told at first.
    """

    name: str
    kind: PotKind
    cap_usd: Decimal | None
    words: str
    remedy: str
    told_usd: Decimal | None = None
    warn_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """What one target may spend in a period. `cap_usd` None: no limit. `is_default`: nobody set it, it holds anyway."""

    scope: Scope
    target_id: str
    period: Period
    covers: Covers
    cap_usd: Decimal | None
    alert_percent: int = ALERT_PERCENT
    is_hard: bool = True
    is_default: bool = False

    @property
    def warn_usd(self) -> Decimal | None:
        """Return how much spent people are told at first; nothing is told of a limit of nothing."""
        return self.cap_usd * self.alert_percent / 100 if self.cap_usd else None

    def bounds(self, origin: str) -> bool:
        """Return whether the money of a run of this origin counts here."""
        return self.covers in ("all", "test" if origin == "test" else "production")


def run_pot(run_id: str, cap_usd: Decimal | None) -> Pot:
    """Return the pot of one run, capped by its revision's `limits.cost_usd` and what people allowed beyond it."""
    return Pot(
        f"run:{run_id}",
        "run",
        cap_usd,
        "The most this run may cost",
        "Raise limits.cost_usd in the agent and run it again if that is too little.",
    )


def parent_pot(run_id: str, name: str, cap_usd: Decimal) -> Pot:
    """Return the pot of a run for one that it asked for: the same money, told as somebody else's. `name`: its agent."""
    return Pot(
        f"run:{run_id}",
        "parent",
        cap_usd,
        f"The most the run of {name} that this one works for may cost",
        f"Raise limits.cost_usd of {name} if that is too little.",
    )


def limit_pot(limit: Limit, name: str, *, time_zone: str, now: datetime) -> Pot:
    """Return the pot of a limit for the day, week or month that `now` is in. `name`: what people call its target."""
    key = key_of(limit.period, now.astimezone(zone_of(time_zone)).date())
    return Pot(
        pot_name(limit.scope, limit.target_id, limit.period, limit.covers, key),
        _kind(limit),
        limit.cap_usd if limit.is_hard else None,
        f"The most {name} may spend{_MONEY[limit.covers]} in a {limit.period}",
        _RAISE.format(next=_NEXT[limit.period]),
        told_usd=limit.cap_usd or None,
        warn_usd=limit.warn_usd,
    )


def _kind(limit: Limit) -> PotKind:
    old = _OLD_NAMES.get((limit.scope, limit.period, limit.covers))
    return _OLD_KINDS[old] if old else limit.scope


def pot_name(scope: Scope, target_id: str, period: Period, covers: Covers, key: str) -> str:
    """Return the name of a pot: the same for everybody who counts in it."""
    old = _OLD_NAMES.get((scope, period, covers))
    return f"{old or f'{scope}-{period}-{covers}'}:{target_id}:{key}"


def is_always_counted(limit: Limit) -> bool:
    """Return whether the money of a limit is counted also where there is no limit."""
    return (limit.scope, limit.period, limit.covers) in _OLD_NAMES


def parsed(name: str) -> tuple[Scope, str, Period, Covers] | None:
    """Return scope, target, period and whose money a pot counts; None for the pot of a run."""
    first, _, rest = name.partition(":")
    target = rest.rpartition(":")[0]
    for (scope, period, covers), old in _OLD_NAMES.items():
        if first == old:
            return scope, target, period, covers
    parts = first.split("-")
    return (parts[0], target, parts[1], parts[2]) if len(parts) == 3 else None  # pyright: ignore[reportReturnType]


def day_pot(workspace_id: str, cap_usd: Decimal | None, *, time_zone: str, now: datetime) -> Pot:
    """Return the pot of a workspace for the day that `now` is in its time zone."""
    limit = Limit("workspace", workspace_id, "day", "all", cap_usd)
    return limit_pot(limit, "this workspace", time_zone=time_zone, now=now)


def environment_pot(environment_id: str, cap_usd: Decimal | None, *, name: str, time_zone: str, now: datetime) -> Pot:
    """Return the pot of one environment for the day that `now` is in its workspace's time zone."""
    limit = Limit("environment", environment_id, "day", "all", cap_usd)
    return limit_pot(limit, f"the environment {name}", time_zone=time_zone, now=now)


def shadow_pot(release_id: str, cap_usd: Decimal, *, now: datetime) -> Pot:
    """Return the pot of a release's shadow for the day of UTC that `now` is in. Nothing else is counted there, and its
    money nowhere else, so that a rehearsal takes nothing from real work."""
    return Pot(
        f"shadow:{release_id}:{day_of('UTC', now)}",
        "shadow",
        cap_usd,
        "The most this release may spend on its shadow in a day",
        "It goes on tomorrow (UTC).",
    )


def evaluation_pot(evaluation_id: str, cap_usd: Decimal) -> Pot:
    """Return the pot of an evaluation. Nothing else is counted there, and its money nowhere else."""
    return Pot(
        f"evaluation:{evaluation_id}",
        "evaluation",
        cap_usd,
        "The most this evaluation may cost",
        "Ask for it again with a higher cap_usd.",
    )


def day_of(time_zone: str, now: datetime) -> str:
    """Return the date of `now` in `time_zone`, as `2026-11-20`. An unknown zone counts as UTC."""
    return key_of("day", now.astimezone(zone_of(time_zone)).date())
