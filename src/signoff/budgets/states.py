"""Pots: what money is counted in. A run has one, a workspace has one per day of its own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

PotKind = Literal["run", "day", "test", "environment"]
ReservationState = Literal["held", "settled", "released"]


@dataclass(frozen=True, slots=True)
class Pot:
    """One counter and its cap in dollars; no cap counts and never refuses.

    Args:
        words: how a sentence about it begins.
        remedy: what a person can do when it is empty.
    """

    name: str
    kind: PotKind
    cap_usd: Decimal | None
    words: str
    remedy: str


def run_pot(run_id: str, cap_usd: Decimal | None) -> Pot:
    """Return the pot of one run, capped by its revision's `limits.cost_usd`."""
    return Pot(
        f"run:{run_id}",
        "run",
        cap_usd,
        "The most this run may cost",
        "Raise limits.cost_usd in the agent and run it again if that is too little.",
    )


def day_pot(workspace_id: str, cap_usd: Decimal | None, *, time_zone: str, now: datetime) -> Pot:
    """Return the pot of a workspace for the day that `now` is in its time zone."""
    return Pot(
        f"day:{workspace_id}:{day_of(time_zone, now)}",
        "day",
        cap_usd,
        "The most this workspace may spend in a day",
        "Wait until tomorrow, or ask an administrator to raise the daily cap.",
    )


def environment_pot(environment_id: str, cap_usd: Decimal | None, *, name: str, time_zone: str, now: datetime) -> Pot:
    """Return the pot of one environment for the day that `now` is in its workspace's time zone."""
    return Pot(
        f"place:{environment_id}:{day_of(time_zone, now)}",
        "environment",
        cap_usd,
        f"The most the environment {name} may spend in a day",
        "Wait until tomorrow, or ask an administrator to raise the environment's daily cap.",
    )


def test_pot(workspace_id: str, *, time_zone: str, now: datetime) -> Pot:
    """Return the pot that tells test runs' share of a day. It has no cap: the day's own counts them as well."""
    return Pot(f"test:{workspace_id}:{day_of(time_zone, now)}", "test", None, "What test runs spend in a day", "")


def day_of(time_zone: str, now: datetime) -> str:
    """Return the date of `now` in `time_zone`, as `2026-11-20`. An unknown zone counts as UTC."""
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return now.astimezone(zone).date().isoformat()
