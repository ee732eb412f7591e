"""`equals`: the whole output is what the example expects."""

from __future__ import annotations

from typing import Any

from signoff.evaluations.scoring.observed import Mark, Observed
from signoff.evaluations.scoring.settings import Settings
from signoff.evaluations.scoring.values import are_equal, shown


class Equals(Settings):
    """1 when the output is the expected one, else 0. Space around a text, and 1 or 1.0, make no difference.

    Args:
        ignores_case: small and capital letters are the same, where both are texts.
    """

    ignores_case: bool = False

    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Compare the whole."""
        if expected is None:
            return Mark(None, "The example expects nothing to compare with.")
        output = observed.output
        if self.ignores_case and isinstance(output, str) and isinstance(expected, str):
            is_same = output.strip().casefold() == expected.strip().casefold()
        else:
            is_same = are_equal(output, expected)
        if is_same:
            return Mark(1.0, "The output is the expected one.")
        return Mark(0.0, f"Expected {shown(expected)}, got {shown(output)}.")
