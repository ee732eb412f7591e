"""What a run did, as far as it is scored, and what one evaluator says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool that the run made, or wanted to make and that was simulated."""

    tool: str
    args: Any = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What one evaluator says: a score from 0 to 1, or None where it has nothing to say of this example."""

    score: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Observed:
    """A run that ended.

    Args:
        state: `completed`, or how else it ended.
        reason: why it did not complete, in words.
        duration_seconds: None when it is not known.
        judged: by the id of an evaluator of kind `judge`: what the judge said.
    """

    state: str
    output: Any = None
    calls: Sequence[Call] = ()
    cost_usd: Decimal = Decimal(0)
    duration_seconds: float | None = None
    reason: str | None = None
    judged: Mapping[str, Mark] = field(default_factory=dict[str, Mark])

    @property
    def is_completed(self) -> bool:
        """Return whether there is an answer to score."""
        return self.state == "completed"
