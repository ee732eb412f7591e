"""The settings of an evaluator: strict, bounded, and told what is wrong and where."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from signoff.evaluations.scoring.observed import Mark, Observed

# A place in an output: `customer.address.city`, `orders.0.id`. Empty: the whole of it.
Path = Annotated[str, Field(max_length=300, pattern=r"^(?:[^.\s]+(?:\.[^.\s]+)*)?$")]


class Part(BaseModel):
    """What people write as settings, or as a part of them."""

    # Strict: `within: "1"` is a mistake to be told, not a number to be guessed.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Settings(Part, ABC):
    """What an evaluator of one kind is told, and how it marks a run by that."""

    @abstractmethod
    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Return what this evaluator says of a completed run. `expected` is None where the example expects nothing."""
