"""`field`: one value of the output is what is expected at the same place, or a number near it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from signoff.evaluations.scoring.observed import Mark, Observed
from signoff.evaluations.scoring.settings import Path, Settings
from signoff.evaluations.scoring.values import are_equal, part_of, shown
from signoff.kit.dotted import MISSING


class FieldIs(Settings):
    """1 when the value at `path` is right, else 0.

    Args:
        value: what it must be in every example; not given: what the example expects at the same path.
        within: of numbers, how far from the expected one is still right.
    """

    path: Path = Field(min_length=1)
    value: Any = None
    within: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Compare the two values at the path."""
        wanted = self.value
        if "value" not in self.model_fields_set:
            wanted = MISSING if expected is None else part_of(expected, self.path)
        if wanted is MISSING:
            return Mark(None, f"The example expects nothing at `{self.path}`.")
        found = part_of(observed.output, self.path)
        if found is MISSING:
            return Mark(0.0, f"Nothing is at `{self.path}`; expected {shown(wanted)}.")
        if self.within is not None and _is_number(found) and _is_number(wanted):
            return self._near(float(found), float(wanted))
        if are_equal(found, wanted):
            return Mark(1.0, f"`{self.path}` is {shown(wanted)}.")
        return Mark(0.0, f"`{self.path}` is {shown(found)}; expected {shown(wanted)}.")

    def _near(self, found: float, wanted: float) -> Mark:
        is_near = abs(found - wanted) <= (self.within or 0.0)
        words = f"`{self.path}` is {found:g}; expected {wanted:g}, give or take {self.within:g}."
        return Mark(1.0 if is_near else 0.0, words)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
