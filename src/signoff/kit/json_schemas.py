"""Checking a value against a JSON Schema that came from outside. Nothing is ever fetched."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, UnknownType, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from signoff.kit.canonical import canonical_json
from signoff.kit.text import shortened, storable

PROBLEMS_MAX = 20
_SENTENCE_CHARS = 300
# What a validator meets in a schema that is none.
_NOT_A_SCHEMA = (
    SchemaError, UnknownType, Unresolvable, RecursionError, re.error, ValueError, TypeError, KeyError, AttributeError,
)  # fmt: skip
# Which kind of value each bound is about. Inside `not` and `if` that would turn a bound around: they stay as they are.
_BOUNDS: dict[str, frozenset[str]] = {
    "number": frozenset(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf")),
    "string": frozenset(("pattern", "minLength", "maxLength", "format")),
    "array": frozenset(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
    "object": frozenset(
        ("properties", "required", "patternProperties", "additionalProperties", "minProperties", "maxProperties")
    ),
}
_INNER = ("items", "additionalProperties", "contains", "propertyNames", "then", "else")
_INNER_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_INNER_MAPS = ("properties", "patternProperties", "$defs")
# An empty registry: a reference that leads out of the schema is not followed.
_CLOSED: Registry[Any] = Registry()


def problems(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what is wrong with `value`, a sentence each that begins with where; empty when it fits.

    A schema that cannot be understood is told as a problem too: what cannot be checked does not pass.
    """
    validator = _validator(canonical_json(schema))
    try:
        found = sorted(validator.iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path])  # pyright: ignore[reportUnknownMemberType]
    except _NOT_A_SCHEMA as error:
        return [f"the schema cannot be checked ({type(error).__name__})"]
    return [_sentence(error) for error in found[:PROBLEMS_MAX]]


def strict_problems(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what is wrong with `value`, where a bound also says what kind of value it bounds.

    JSON Schema lets the text "9999" by `maximum: 500`, because a text has no maximum. For a limit that must hold, a
    value of another kind does not fit.
    """
    return problems(value, _strict(canonical_json(schema)))


@lru_cache(maxsize=512)
def _strict(schema: str) -> dict[str, Any]:
    return _with_kinds(json.loads(schema))


def _with_kinds(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    known = cast("dict[str, Any]", schema)
    found = dict(known)
    kinds = [kind for kind, words in _BOUNDS.items() if words & known.keys()]
    if kinds and not {"type", "const", "enum", "$ref"} & known.keys():
        found["type"] = kinds
    for word in _INNER:
        if word in known:
            found[word] = _with_kinds(known[word])
    for word in _INNER_LISTS:
        if isinstance(known.get(word), list):
            found[word] = [_with_kinds(one) for one in known[word]]
    for word in _INNER_MAPS:
        if isinstance(known.get(word), dict):
            found[word] = {name: _with_kinds(one) for name, one in known[word].items()}
    return found


@lru_cache(maxsize=512)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema), registry=_CLOSED)


def _sentence(error: ValidationError) -> str:
    where = ".".join(str(step) for step in error.absolute_path) or "the whole"
    return shortened(storable(f"{where}: {error.message}"), _SENTENCE_CHARS)
