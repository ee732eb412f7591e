"""What does not fit a shape, said plainly: what is there, what it takes, what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from signoff.kit.text import nearest, shortened
from signoff.kit.visible import visible

_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_MOMENT = "a moment with its zone, such as 2030-01-31T08:00:00+01:00"
_KINDS = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_parsing": "a day, such as 2030-01-31",
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_type": _MOMENT,
    "decimal_parsing": "a number",
    "decimal_type": "a number",
    "dict_type": "an object",
    "finite_number": "a number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number, without quotes",
    "int_parsing_size": "a whole number that is less long",
    "int_type": "a whole number, without quotes",
    "list_type": "a list",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "string_type": "a text",
    "tuple_type": "a list",
}
_SHOWN_CHARS = 60


def misfits(error: ValidationError, shape: type[BaseModel], root: str) -> dict[str, list[str]]:
    """Return all that does not fit `shape`, by where it is below `root`."""
    details = error.errors(include_url=False)
    found: dict[str, list[str]] = {}
    for one in details:
        # A list with an entry that does not fit is told as too short as well.
        if one["type"] == "too_short" and any(one["loc"] == other["loc"][:-1] for other in details):
            continue
        place = ".".join((root, *(str(part) for part in one["loc"])))
        found.setdefault(place, []).append(misfit(one, shape))
    return found


def misfit(detail: ErrorDetails, shape: type[BaseModel] | None = None) -> str:
    """Return a sentence or two on one thing that does not fit.

    Args:
        detail: with its input and context.
        shape: what was to be read. None: not known, and what is there is not repeated; it may be a secret.
    """
    kind, steps = detail["type"], detail["loc"]
    context: Mapping[str, Any] = detail.get("ctx") or {}
    there = f"It is {_shown(detail.get('input'))}. " if shape is not None else ""
    if kind == "missing":
        return "It is missing. Add it."
    if kind == "extra_forbidden":
        if shape is None:
            return "There is no such field. Leave it out."
        known = fields_at(shape, steps[:-1])
        near = nearest(str(steps[-1]), known)
        return f"There is no such field.{near} Take one of {', '.join(known)}, or leave it out."
    if kind in _KINDS:
        return f"{there}Write {_KINDS[kind]}."
    if kind in ("literal_error", "enum"):
        options = str(context["expected"])
        return f"{there}{'Choose one of' if ' or ' in options else 'Write'} {options}."
    if kind == "string_pattern_mismatch":
        return f"{there}It is not spelt as such a thing is."
    if kind == "decimal_max_places":
        return f"{there}Write at most {context['decimal_places']} digits after the point."
    for bound, words in _BOUNDS.items():
        if bound in context:
            return f"{there}Write {words} {context[bound]:g}."
    return _of_length(kind, context) or _sentence(detail["msg"])


def fields_at(shape: type[BaseModel], steps: Sequence[str | int]) -> list[str]:
    """Return the fields of the part of `shape` that `steps` lead to, by following the types."""
    part = shape
    for step in steps:
        field = part.model_fields.get(step) if isinstance(step, str) else None
        if field is not None:
            part = _part_in(field.annotation) or part
    return list(part.model_fields)


def _of_length(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "too_long":
        return f"It has more than {context['max_length']} entries. Leave some out."
    if kind == "too_short":
        return f"It has {context['actual_length']} of at least {context['min_length']} entries. Add what is missing."
    if kind == "string_too_long":
        return f"It is longer than {context['max_length']} characters. Shorten it."
    if kind == "string_too_short":
        few = "empty" if context["min_length"] == 1 else f"shorter than {context['min_length']} characters"
        return f"It is {few}. Fill it in."
    return ""


def _sentence(message: str) -> str:
    words = message.removeprefix("Value error, ").rstrip(".")
    return f"{words[:1].upper()}{words[1:]}."


def _shown(value: Any) -> str:
    """Return a value as it is written in JSON, where it is short enough to be recognised by."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"“{shortened(visible(value), _SHOWN_CHARS)}”"
    if isinstance(value, int | float):
        return shortened(str(value), _SHOWN_CHARS)
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list | tuple) else "something else"


def _part_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _part_in(inner)) is not None), None)
