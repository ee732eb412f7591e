"""The objectives and the burn rates of `slo.toml`, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Measure = Literal["runs_ended", "runs_begun", "requests"]


class Objective(BaseModel):
    """One promise: of what is measured, at least the share `objective` is good, over `window_days`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    measures: Measure
    objective: float = Field(gt=0, lt=1)
    window_days: int = Field(ge=1, le=90)
    events_min: int = Field(ge=1)
    faults: list[str] = Field(default_factory=list[str])
    seconds: float | None = None

    @property
    def budget(self) -> float:
        """Return the share that may be bad."""
        return 1 - self.objective


class Burn(BaseModel):
    """A rate at which the budget must not be used up, in a long window and still in a short one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    factor: float = Field(gt=1)
    long_minutes: int = Field(ge=1)
    short_minutes: int = Field(ge=1)


class Promises(BaseModel):
    """All of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slo: list[Objective]
    burn: list[Burn]

    @property
    def windows(self) -> list[int]:
        """Return the windows of all burn rates in minutes, the shortest first."""
        return sorted({minutes for burn in self.burn for minutes in (burn.long_minutes, burn.short_minutes)})


@cache
def promises() -> Promises:
    """Return what is promised."""
    return Promises.model_validate(tomllib.loads(files("signoff.watch.objectives").joinpath("slo.toml").read_text()))


def window_name(minutes: int) -> str:
    """Return a window as monitoring systems write it: `5m`, `1h`."""
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
