"""What a release's strategy says of its shadow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from signoff.tables.prepared import Prepared
from signoff.tables.releases import Release

# Where reads of a shadow are answered from: what the original was told, or the systems themselves.
Reads = Literal["recorded", "live"]
READS: tuple[Reads, ...] = ("recorded", "live")
DAILY_USD = Decimal(5)
_STRATEGY = Prepared(
    select(cast("Table", Release.__table__).c.strategy).where(
        cast("Table", Release.__table__).c.id == bindparam("of_release")
    )
)


@dataclass(frozen=True, slots=True)
class ShadowSettings:
    """What a shadow may do and how long it lasts.

    Args:
        days: on so many days of UTC there must be compared pairs.
        min_pairs: and so many of them in all.
        daily_usd: what its runs may cost in a day of UTC.
    """

    reads: Reads = "recorded"
    days: int = 1
    min_pairs: int = 1
    daily_usd: Decimal = DAILY_USD


def shadow_settings(session: Session, release_id: str | None) -> ShadowSettings:
    """Return what a release says of its shadow; the strictest where it says nothing."""
    strategy = _STRATEGY.scalar(session, {"of_release": release_id}) if release_id else None
    return settings_in(strategy or {})


def settings_in(strategy: Mapping[str, Any]) -> ShadowSettings:
    """Return what a strategy, as plain JSON, says of the shadow."""
    said: Mapping[str, Any] = strategy.get("shadow") or {}
    return ShadowSettings(
        reads="live" if said.get("reads") == "live" else "recorded",
        days=int(said.get("days", 1)),
        min_pairs=int(said.get("min_pairs", 1)),
        daily_usd=Decimal(str(said.get("daily_usd", DAILY_USD))),
    )
