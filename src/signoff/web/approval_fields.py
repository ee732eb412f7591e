"""The arguments of a call as fields to edit: plain values by the tool's schema, the rest as JSON. And back again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from signoff.kit.errors import Malformed
from signoff.web.forms import Form, NotJson, json_text, parse_json

FIELDS_MAX = 100
LONG_CHARS = 80
PREFIX = "arg."
Kind = Literal["text", "long", "number", "choice", "yes-no", "json"]
_KINDS: dict[str, Kind] = {"string": "text", "integer": "number", "number": "number", "boolean": "yes-no"}


@dataclass(frozen=True, slots=True)
class ArgField:
    """One argument. `value` is the text the form begins with; an optional one that is not given begins empty."""

    name: str
    kind: Kind
    value: str
    hint: str
    is_required: bool
    is_given: bool
    options: tuple[tuple[str, str], ...] = ()


def arg_fields(args: Any, schema: Mapping[str, Any] | None) -> list[ArgField]:
    """Return a field for each argument of the call, then one for each that the tool takes besides."""
    given = cast("dict[str, Any]", args) if isinstance(args, dict) else {}
    properties: Any = (schema or {}).get("properties")
    rules = cast("dict[str, Any]", properties) if isinstance(properties, dict) else {}
    required: Any = (schema or {}).get("required")
    needed = cast("list[Any]", required) if isinstance(required, list) else []
    names = list(dict.fromkeys([*given, *rules]))[:FIELDS_MAX]
    return [_field(name, given, rules.get(name), name in needed) for name in names]


def args_from(form: Form, fields: Sequence[ArgField], args: Any) -> dict[str, Any]:
    """Return the arguments that a form describes. What has no field keeps its value.

    Raises:
        Malformed: something is no JSON, or no number; `errors` says which by the name of its field.
    """
    found: dict[str, Any] = dict(cast("dict[str, Any]", args)) if isinstance(args, dict) else {}
    errors: dict[str, list[str]] = {}
    for field in fields:
        if PREFIX + field.name not in form:
            continue
        text = form.text(PREFIX + field.name)
        if text == _as_sent(field.value):
            continue  # Untouched: exactly the value that was asked about, whatever a form makes of it.
        if not text and (field.kind not in ("text", "long") or not (field.is_given or field.is_required)):
            found.pop(field.name, None)
            continue
        value = text if field.kind in ("text", "long") else parse_json(text)
        if isinstance(value, NotJson):
            said = "Write a number." if field.kind == "number" else f"This is not JSON. {value.sentence}"
            errors[PREFIX + field.name] = [said]
        else:
            found[field.name] = value
    if errors:
        raise Malformed("Some of it cannot be read.", errors=errors)
    return found


def value_text(value: Any) -> str:
    """Return a value as the text a form shows and sends."""
    return value if isinstance(value, str) else json_text(value)


def _as_sent(text: str) -> str:
    """Return a text as a browser sends it back: line ends of one kind."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _field(name: str, given: Mapping[str, Any], rule: Any, is_required: bool) -> ArgField:
    said = cast("dict[str, Any]", rule) if isinstance(rule, dict) else {}
    is_given = name in given
    value = given.get(name)
    hint = str(said.get("description") or "")[:300]
    options: Any = said.get("enum")
    if isinstance(options, list) and (not is_given or value in options):
        choices = tuple((json_text(one), value_text(one)) for one in cast("list[Any]", options))
        return ArgField(name, "choice", json_text(value) if is_given else "", hint, is_required, is_given, choices)
    kind = _kind(value, said) if is_given else _KINDS.get(str(said.get("type")), "json")
    text = value_text(value) if (is_given and value is not None) or (is_given and kind == "json") else ""
    if kind == "text" and (len(text) > LONG_CHARS or "\n" in text or "\r" in text):
        kind = "long"
    if kind == "yes-no":
        return ArgField(name, kind, text, hint, is_required, is_given, (("true", "Yes"), ("false", "No")))
    return ArgField(name, kind, text, hint, is_required, is_given)


def _kind(value: Any, rule: Mapping[str, Any]) -> Kind:
    """Return how a value is edited: by what it is, where its schema does not say the same."""
    if isinstance(value, bool):
        return "yes-no"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "number"
    return _KINDS.get(str(rule.get("type")), "json") if value is None else "json"
