"""The schemas of what goes in and what comes out."""

from __future__ import annotations

from typing import Any, cast

from signoff.agents.findings import Finding
from signoff.agents.lint.facts import LintFacts
from signoff.agents.schemas import schema_faults


def lint_results(body: dict[str, Any], facts: LintFacts) -> list[Finding]:
    """Return what is wrong with the input and output schemas."""
    found: list[Finding] = []
    for field in ("input_schema", "output_schema"):
        schema = body.get(field)
        if isinstance(schema, dict):
            found += bad_schema(field, cast("dict[str, Any]", schema))
    if body.get("output_schema") is None:
        text = "The agent answers in free text: nothing checks what it says."
        found.append(
            Finding("no_output_schema", "info", "output_schema", None, text, "Give a JSON Schema of the result.")
        )
    return found


def bad_schema(path: str, schema: dict[str, Any]) -> list[Finding]:
    """Return what is wrong with one schema that stands at `path`."""
    return [
        Finding("bad_schema", "error", f"{path}{fault.path}", None, fault.text, fault.fix)
        for fault in schema_faults(schema)
    ]
