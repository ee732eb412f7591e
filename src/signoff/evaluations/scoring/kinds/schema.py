"""`schema`: the output fits a JSON Schema."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from signoff.agents.schemas import schema_faults
from signoff.evaluations.scoring.observed import Mark, Observed
from signoff.evaluations.scoring.settings import Path, Settings
from signoff.evaluations.scoring.values import named, part_of
from signoff.kit.dotted import MISSING, parsed
from signoff.kit.json_schemas import problems


class FitsSchema(Settings):
    """1 when the output fits, else 0.

    Args:
        path: which part of the output; the whole when it is empty.
    """

    json_schema: dict[str, Any] = Field(min_length=1, alias="schema")
    path: Path = ""

    @field_validator("json_schema")
    @classmethod
    def _is_schema(cls, value: dict[str, Any]) -> dict[str, Any]:
        if faults := schema_faults(value):
            raise ValueError(f"{faults[0].path or 'the whole'}: {faults[0].text} {faults[0].fix}".strip())
        return value

    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Check the output; what the example expects does not matter."""
        value = part_of(observed.output, self.path)
        if value is MISSING:
            return Mark(0.0, f"Nothing is at {named(self.path)}.")
        found = problems(parsed(value), self.json_schema)
        if not found:
            return Mark(1.0, "It fits the schema.")
        more = f" And {len(found) - 1} more." if len(found) > 1 else ""
        return Mark(0.0, f"It does not fit the schema: {found[0]}.{more}")
