"""The answer an agent must give: the shape shown to the model, and the check, which the agent library leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from pydantic_ai import DeferredToolRequests, ModelRetry, StructuredDict, ToolOutput
from pydantic_ai.exceptions import UserError

from signoff.engine.answers import OUTPUT_TOOL
from signoff.kit.text import shortened
from signoff.runs.input import findings

_WRAPPED = "result"


@dataclass(frozen=True, slots=True)
class OutputShape:
    """What is asked of the model. A schema that is not an object is wrapped in one, because tools take objects."""

    schema: dict[str, Any] | None
    is_wrapped: bool

    @property
    def types(self) -> list[Any]:
        """Return the output types for the agent."""
        if self.schema is None:
            return [str, DeferredToolRequests]
        return [ToolOutput(_shown(self.schema), name=OUTPUT_TOOL), DeferredToolRequests]

    def check(self, output: Any) -> None:
        """Ask the model again, with everything that is wrong, when its answer does not fit.

        Raises:
            ModelRetry: it does not.
        """
        if self.schema is None:
            return
        found = findings(output, self.schema)
        if found:
            raise ModelRetry("; ".join(f"{path or 'output'}: {', '.join(words)}" for path, words in found.items()))

    def unwrapped(self, output: Any) -> Any:
        """Return the answer in the shape the revision asked for."""
        if self.is_wrapped and isinstance(output, dict):
            return cast("dict[str, Any]", output).get(_WRAPPED)
        return output


def shape_of(schema: dict[str, Any] | None) -> OutputShape:
    """Return what to ask of the model for a revision's output schema."""
    if schema is None:
        return OutputShape(None, is_wrapped=False)
    if schema.get("type") == "object":
        return OutputShape(schema, is_wrapped=False)
    definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    wrapped = {"type": "object", "properties": {_WRAPPED: schema}, "required": [_WRAPPED], **definitions}
    return OutputShape(wrapped, is_wrapped=True)


def _shown(schema: dict[str, Any]) -> Any:
    try:
        return StructuredDict(schema)
    except UserError:
        # The library cannot show a schema that refers to itself. The model reads it as text; `check` checks it whole.
        text = shortened(str(schema), 8_000)
        return StructuredDict({"type": "object", "description": f"An object that satisfies this JSON Schema: {text}"})
