"""Checking a value against a JSON Schema that came from outside. Nothing is ever fetched."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

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


@lru_cache(maxsize=512)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema), registry=_CLOSED)


def _sentence(error: ValidationError) -> str:
    where = ".".join(str(step) for step in error.absolute_path) or "the whole"
    return shortened(storable(f"{where}: {error.message}"), _SENTENCE_CHARS)
