"""Four levels, five dimensions, and what a tier is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Level = Literal["low", "medium", "high", "critical"]
# From harmless to not.
LEVELS: tuple[Level, ...] = get_args(Level)

DimensionName = Literal["effects", "reach", "money", "data", "autonomy"]
DIMENSIONS: tuple[DimensionName, ...] = get_args(DimensionName)


@dataclass(frozen=True, slots=True)
class Dimension:
    """One side of the risk of a revision: how high, and why in a sentence."""

    name: DimensionName
    level: Level
    reason: str


@dataclass(frozen=True, slots=True)
class Tier:
    """The risk of a revision: the highest of its dimensions, or what was declared when that is higher still.

    Args:
        computed: the highest level of the dimensions alone.
    """

    level: Level
    computed: Level
    dimensions: tuple[Dimension, ...]
    declared: Level | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is as high as it is: the reasons of every dimension of that level, or that it was declared."""
        found = tuple(one.reason for one in self.dimensions if one.level == self.level)
        return found or (f"It was declared {self.level}; what the revision can do is {self.computed}.",)


def highest(levels: Iterable[Level]) -> Level:
    """Return the highest of levels; of none, low."""
    return LEVELS[max(map(LEVELS.index, levels), default=0)]
