"""How a release ships: at once or later, on trial beside what serves, by steps. Pure; the clock is given."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from signoff.agents.openings import next_opening, zone_named
from signoff.agents.rules import Day, Window
from signoff.deployments.traffic import SHARES
from signoff.kit.errors import Malformed
from signoff.kit.misfits import misfits
from signoff.kit.money import as_text

STEPS_MAX = 10
COHORT_MAX = 500
_AHEAD_DAYS_MAX = 90
_HUNDRED = Decimal(100)

Kind = Literal["plain", "shadow", "canary", "shadow_canary"]
Key = Annotated[str, Field(min_length=1, max_length=200)]
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def _checked_clock(value: str) -> str:
    if _CLOCK.fullmatch(value) is None:
        raise ValueError("write the time of the day with two digits each, such as 09:00")
    return value


Clock = Annotated[str, AfterValidator(_checked_clock)]


class _Part(BaseModel):
    # Strict: `minutes: "10"` is a mistake to be told, not a number to be guessed.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CanaryStep(_Part):
    """A share of what is started, for at least so long and so many runs."""

    # A number as people write it: 5, 0.5 or "0.5".
    share_percent: Decimal = Field(gt=0, lt=100, decimal_places=2, strict=False)
    minutes: int = Field(ge=1, le=30 * 24 * 60)
    min_runs: int = Field(default=0, ge=0, le=1_000_000)

    @property
    def share(self) -> int:
        """Return the share of 10,000."""
        return int(self.share_percent * SHARES / _HUNDRED)


class Canary(_Part):
    """By rising shares, or for named keys only. A key (case, session, customer) stays with what it got."""

    steps: tuple[CanaryStep, ...] = Field(default=(), max_length=STEPS_MAX, strict=False)
    cohort: tuple[Key, ...] = Field(default=(), max_length=COHORT_MAX, strict=False)
    # With a cohort and no steps: how long, and how many of its runs.
    minutes: int = Field(default=60, ge=1, le=30 * 24 * 60)
    min_runs: int = Field(default=0, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _rises(self) -> Canary:
        if not self.steps and not self.cohort:
            raise ValueError("a canary needs steps, a cohort, or both")
        shares = [step.share_percent for step in self.steps]
        if any(later <= earlier for earlier, later in itertools.pairwise(shares)):
            raise ValueError("each step takes a larger share than the one before; all of it is what follows the last")
        return self

    def at(self, step: int) -> tuple[int, int, int]:
        """Return share (of 10,000), minutes and least runs of a step."""
        if not self.steps:
            return 0, self.minutes, self.min_runs
        one = self.steps[step]
        return one.share, one.minutes, one.min_runs

    @property
    def length(self) -> int:
        """Return how many steps there are; a cohort alone is one."""
        return len(self.steps) or 1


class Shadow(_Part):
    """The candidate is tried on inputs that were answered, acts on nothing, and costs no more than this a day."""

    days: int = Field(ge=1, le=60)
    sample_percent: Decimal = Field(default=_HUNDRED, gt=0, le=100, decimal_places=2, strict=False)
    daily_usd: Decimal = Field(default=Decimal(5), gt=0, le=10_000, decimal_places=2, strict=False)
    # What it reads: what the run was told that was answered, or the systems themselves.
    reads: Literal["recorded", "live"] = "recorded"
    min_pairs: int = Field(default=1, ge=1, le=100_000)

    @property
    def share(self) -> int:
        """Return the share of 10,000."""
        return int(self.sample_percent * SHARES / _HUNDRED)


class WeeklyWindow(_Part):
    """When a release may change what serves, by the wall clock of a zone. Closing before it opens, it closes on the
    following day."""

    days: tuple[Day, ...] = Field(default=("mon", "tue", "wed", "thu"), min_length=1, max_length=7, strict=False)
    opens: Clock = "09:00"
    closes: Clock = "16:00"
    zone: str = Field(default="UTC", max_length=64)

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        if zone_named(value) is None:
            raise ValueError("there is no such time zone; write it like Europe/Berlin")
        return value

    def opening(self, moment: datetime) -> datetime | None:
        """Return the first moment, not before this one, at which it is open; None: never."""
        zone = zone_named(self.zone)
        window = Window(days=list(self.days), opens=self.opens, closes=self.closes)
        return next_opening([(window, zone)], moment) if zone is not None else None


class Strategy(_Part):
    """When, and by which way. Nothing said: at once and whole."""

    # Not before this moment; and only while the window is open.
    at: datetime | None = Field(default=None, strict=False)
    window: WeeklyWindow | None = None
    shadow: Shadow | None = None
    canary: Canary | None = None
    # How long it is watched once it serves; None: as long as its tier says.
    watch_minutes: int | None = Field(default=None, ge=0, le=14 * 24 * 60)

    @field_validator("at", mode="before")
    @classmethod
    def _is_written(cls, value: Any) -> Any:
        # A number would be taken for seconds since 1970.
        if isinstance(value, int | float):
            raise ValueError("write the moment with its zone, such as 2030-01-31T08:00:00+01:00")  # Read by pydantic.
        return value

    @field_validator("at")
    @classmethod
    def _has_zone(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("write the moment with its zone, such as 2030-01-31T08:00:00+01:00")
        return value

    @property
    def kind(self) -> Kind:
        """Return the way in a word."""
        if self.shadow is not None:
            return "shadow_canary" if self.canary is not None else "shadow"
        return "canary" if self.canary is not None else "plain"

    @property
    def is_plain(self) -> bool:
        """Return whether it ships at once and whole."""
        return self.kind == "plain" and self.at is None and self.window is None

    def begins_at(self, now: datetime) -> datetime | None:
        """Return the first moment, not before `now`, at which it may change what serves; None: never."""
        earliest = max(now, self.at) if self.at is not None else now
        return earliest if self.window is None else self.window.opening(earliest)

    def plain(self) -> dict[str, Any]:
        """Return plain JSON, as it is kept."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)

    @property
    def sentence(self) -> str:
        """Return the way in words, for a list and a message."""
        parts: list[str] = []
        if self.at is not None:
            parts.append(f"not before {self.at:%Y-%m-%d %H:%M %Z}")
        if self.window is not None:
            parts.append(f"in the window {self.window.opens}-{self.window.closes} {self.window.zone}")
        if self.shadow is not None:
            parts.append(f"{in_days(self.shadow.days)} as a shadow of {_percent(self.shadow.sample_percent)}")
        if self.canary is not None:
            parts.extend(f"{_percent(step.share_percent)} for {step.minutes} min" for step in self.canary.steps)
            if self.canary.cohort:
                parts.append(f"a cohort of {len(self.canary.cohort)}")
        return ", then ".join([*parts, "all of it"]) if parts else "at once and whole"


PLAIN = Strategy()


def read_strategy(value: Mapping[str, Any] | None) -> Strategy:
    """Return a strategy from plain JSON; None and `{}` are the plain one.

    Raises:
        Malformed: it cannot be read; `errors` says where.
    """
    try:
        return Strategy.model_validate_json(json.dumps(value or {}, default=str))
    except ValidationError as error:
        errors = misfits(error, Strategy, "strategy")
        first, sentences = next(iter(errors.items()))
        more = f" And {len(errors) - 1} more, told in `errors`." if len(errors) > 1 else ""
        raise Malformed(f"The strategy cannot be read. {first}: {sentences[0]}{more}", errors=errors) from error


def check_time(strategy: Strategy, now: datetime) -> None:
    """Return quietly when the strategy's time will come.

    Raises:
        Malformed: its moment is over or too far ahead, or its window never opens.
    """
    if strategy.at is not None and strategy.at <= now:
        _wrong("at", f"{strategy.at:%Y-%m-%d %H:%M} is over. Choose a moment to come, or leave it out.")
    if strategy.at is not None and strategy.at > now + timedelta(days=_AHEAD_DAYS_MAX):
        _wrong("at", f"That is more than {_AHEAD_DAYS_MAX} days ahead: evidence would be old by then.")
    if strategy.begins_at(now) is None:
        _wrong("window", "This window never opens.")


def _wrong(field: str, sentence: str) -> None:
    raise Malformed(f"The strategy cannot be followed. {sentence}", errors={f"strategy.{field}": [sentence]})


def _percent(value: Decimal) -> str:
    return f"{as_text(value.normalize())} %"


def in_days(number: int) -> str:
    """Return so many days in words."""
    return "1 day" if number == 1 else f"{number} days"
