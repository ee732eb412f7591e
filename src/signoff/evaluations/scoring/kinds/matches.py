"""`matches`: a pattern is found in the output."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from signoff.evaluations.scoring.observed import Mark, Observed
from signoff.evaluations.scoring.patterns import check_pattern, is_found
from signoff.evaluations.scoring.settings import Path, Settings
from signoff.evaluations.scoring.values import READ_CHARS, named, part_of, shown, text_of
from signoff.kit.dotted import MISSING


class Matches(Settings):
    """1 when the pattern is found, else 0. `^` and `$` tie it to the beginning and the end.

    Args:
        path: where to look; the whole output when it is empty.
    """

    pattern: str = Field(min_length=1)
    path: Path = ""

    @field_validator("pattern")
    @classmethod
    def _is_pattern(cls, value: str) -> str:
        return check_pattern(value)

    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Look for the pattern; what the example expects does not matter."""
        where = part_of(observed.output, self.path)
        if where is MISSING:
            return Mark(0.0, f"Nothing is at {named(self.path)}.")
        if is_found(self.pattern, text_of(where)[:READ_CHARS]):
            return Mark(1.0, f"{shown(self.pattern)} is found in {named(self.path)}.")
        return Mark(0.0, f"{shown(self.pattern)} is not found in {named(self.path)}: {shown(where)}.")
