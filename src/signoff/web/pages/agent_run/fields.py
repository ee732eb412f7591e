"""The form of an input: one field for each property of a flat schema, else a text or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from signoff.kit.errors import Malformed
from signoff.web.forms import Form, NotJson, json_text, parse_json

FIELDS_MAX = 30
LONG_TEXT = 200
Kind = Literal["text", "long", "number", "choice", "yes-no", "message"]
Way = Literal["fields", "json", "text"]


@dataclass(frozen=True, slots=True)
class InputField:
    """One property of the input. `options` are the values of a choice, as the texts the form sends."""

    name: str
    label: str
    kind: Kind
    hint: str
    is_required: bool
    options: tuple[tuple[str, str], ...] = ()


def input_fields(schema: Mapping[str, Any] | None, *, has_mailbox: bool) -> list[InputField] | None:
    """Return the fields; None when the schema is not flat enough for a form, or is none."""
    properties = schema.get("properties") if schema else None
    if schema is None or schema.get("type") != "object" or not isinstance(properties, dict) or not properties:
        return None
    if len(cast("dict[str, Any]", properties)) > FIELDS_MAX or schema.get("$ref") or schema.get("patternProperties"):
        return None
    required: Any = schema.get("required")
    needed: list[Any] = cast("list[Any]", required) if isinstance(required, list) else []
    found: list[InputField] = []
    for name, rule in cast("dict[str, Any]", properties).items():
        field = _field(name, rule, name in needed, has_mailbox)
        if field is None:
            return None
        found.append(field)
    return found


def _field(name: str, rule: Any, is_required: bool, has_mailbox: bool) -> InputField | None:
    if not isinstance(rule, dict):
        return None
    said = cast("dict[str, Any]", rule)
    label = str(said.get("title") or name.replace("_", " ").capitalize())[:120]
    hint = str(said.get("description") or "")[:300]
    options: Any = said.get("enum")
    if isinstance(options, list):
        values = cast("list[Any]", options)
        return InputField(name, label, "choice", hint, is_required, tuple((json_text(one), str(one)) for one in values))
    kinds: dict[str, Kind] = {"string": "text", "integer": "number", "number": "number", "boolean": "yes-no"}
    kind = kinds.get(str(said.get("type")))
    if kind is None:
        return None
    if kind == "text" and name == "message_id" and has_mailbox:
        kind = "message"
    elif kind == "text" and int(said.get("maxLength") or 0) > LONG_TEXT:
        kind = "long"
    return InputField(name, label, kind, hint, is_required)


def input_from(form: Form, fields: list[InputField] | None, way: Way) -> Any:
    """Return the input that a form describes.

    Raises:
        Malformed: the JSON is none; `errors["input"]` says where it stops being JSON.
    """
    if way == "fields" and fields is not None:
        values = {field.name: _value(form, field) for field in fields}
        return {name: value for name, value in values.items() if value is not None}
    text = form.text("input")
    if way == "text":
        return text
    value = parse_json(text)
    if isinstance(value, NotJson):
        raise Malformed(f"The input is not JSON. {value.sentence}", errors={"input": [value.sentence]}, code="not_json")
    return value


def _value(form: Form, field: InputField) -> Any:
    text = form.text(f"in.{field.name}")
    if field.kind == "yes-no":
        return bool(text)
    if not text and not (field.is_required and field.kind in ("text", "long", "message")):
        return None
    if field.kind in ("number", "choice"):
        value = parse_json(text)
        # What is no number goes on as it was typed: the schema's own words say what is wrong with it.
        return text if isinstance(value, NotJson) else value
    return text


def skeleton(schema: Mapping[str, Any] | None) -> str:
    """Return JSON to begin with: the required properties of the schema, empty."""
    properties = schema.get("properties") if schema else None
    if schema is None or not isinstance(properties, dict):
        return "{}"
    rules = cast("dict[str, Any]", properties)
    required: Any = schema.get("required")
    names = (
        [name for name in cast("list[Any]", required) if name in rules] if isinstance(required, list) else list(rules)
    )
    empty: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}
    first = {str(name): _default(rules[name], empty) for name in names[:FIELDS_MAX] if name in rules}
    return json_text(first)


def _default(rule: Any, empty: Mapping[str, Any]) -> Any:
    if not isinstance(rule, dict):
        return None
    said = cast("dict[str, Any]", rule)
    return said["default"] if "default" in said else empty.get(str(said.get("type")))
