"""The shape of a body: what is missing, unknown, of the wrong kind or out of bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from signoff.agents.body import SOP_CHARS_MAX, Body
from signoff.agents.findings import Finding, path_of
from signoff.agents.lint.facts import LintFacts
from signoff.kit.misfits import fields_at
from signoff.kit.text import nearest, shortened

_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
_JSON_KINDS = (
    (str, "a text"),
    (bool, "true or false"),
    (int | float, "a number"),
    (list, "a list"),
    (dict, "an object"),
)


def lint_shape(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """Yield all that keeps `body` from being one."""
    try:
        Body.model_validate(body)
    except ValidationError as error:
        yield from (_finding(detail) for detail in error.errors(include_url=False))


def _finding(detail: ErrorDetails) -> Finding:
    kind, steps = detail["type"], detail["loc"]
    path = path_of(steps)
    context: dict[str, Any] = detail.get("ctx") or {}
    name = path or "The body"
    if kind == "missing":
        return _error("missing_required", path, f"{name} is missing.", "Add it.")
    if kind == "extra_forbidden":
        known = fields_at(Body, steps[:-1])
        return _error(
            "unknown_field",
            path,
            f"There is no field {shortened(str(steps[-1]), 80)} here.{nearest(str(steps[-1]), known)}",
            f"Remove it, or use one of: {', '.join(known)}.",
        )
    if kind in _KINDS:
        found = next((words for of, words in _JSON_KINDS if isinstance(detail["input"], of)), "nothing")
        return _error("wrong_type", path, f"{name} is {found}; it takes {_KINDS[kind]}.", f"Write {_KINDS[kind]}.")
    return _out_of_bounds(kind, path, name, context, str(detail["msg"]))


def _out_of_bounds(kind: str, path: str, name: str, context: dict[str, Any], message: str) -> Finding:
    if kind == "literal_error":
        options = context.get("expected", "")
        return _error("invalid_option", path, f"{name} is none of {options}.", f"Choose one of {options}.")
    if kind == "string_too_long" and path == "sop":
        text = f"The SOP is longer than {SOP_CHARS_MAX:,} characters."
        return _error("sop_too_long", path, text, "Shorten it; long reference texts belong behind a tool.")
    if kind in ("string_too_long", "too_long"):
        return _error("too_long", path, f"{name} is longer than {context.get('max_length')}.", "Shorten it.")
    if kind in ("string_too_short", "too_short"):
        return _error("too_short", path, f"{name} is shorter than {context.get('min_length')}.", "Fill it in.")
    if kind == "string_pattern_mismatch":
        return _error("bad_name", path, f"{name} is not spelt as such names are.", _spelling(path))
    for bound, words in _BOUNDS.items():
        if bound in context:
            limit = f"{words} {context[bound]}"
            return _error("out_of_range", path, f"{name} is out of range.", f"Use a number of {limit}.")
    return _error("invalid_value", path, f"{name}: {message[:1].lower()}{message[1:]}.", "Correct it.")


def _spelling(path: str) -> str:
    if path.startswith("model."):
        return "Write provider:model, such as openai:gpt-5."
    if path.startswith("secrets"):
        return "Letters, digits and underscores; a letter first; at most 63."
    return "Small letters, digits and hyphens; a letter first; at most 63."


def _error(code: str, path: str, text: str, fix: str) -> Finding:
    return Finding(code, "error", path, None, text, fix)
