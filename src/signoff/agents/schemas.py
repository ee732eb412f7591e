"""JSON Schemas people write: valid, bounded, and never reaching outside themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from jsonschema import Draft202012Validator

from signoff.agents.findings import path_of
from signoff.kit.canonical import canonical_json
from signoff.kit.text import shortened

CHARS_MAX = 50_000
DEPTH_MAX = 30
PATTERN_MAX = 300
FAULTS_MAX = 50

# Keywords whose schemas are asked about the same value: a ring of these never ends.
_IN_PLACE = ("$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
# A repeated group that begins with a repetition, `(a+)+` or `(.*x){20}`: it takes for ever on a near miss.
# One that begins with a separator, `(\.[a-z]+)*`, is harmless. This finds the usual cases, not every one.
_REPEATED_REPETITION = re.compile(r"\((?:\?:)?(?:\[[^\]]*\]|\\.|[^\\()\[])[+*][^()]*\)[+*{]")

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """What is wrong with a schema: where (`.properties.total`), what, and what to do."""

    path: str
    text: str
    fix: str


def schema_faults(schema: Mapping[str, Any]) -> list[SchemaFault]:
    """Return everything wrong with `schema`, at most 50 faults."""
    plain = dict(schema)
    size = len(canonical_json(plain))
    if size > CHARS_MAX:
        return [_fault((), f"The schema has {size:,} characters; at most {CHARS_MAX:,} are read.", "Make it smaller.")]
    if _is_deeper(plain, DEPTH_MAX):
        return [_fault((), f"The schema is nested more than {DEPTH_MAX} levels deep.", "Make it flatter.")]
    faults = [*_against_metaschema(plain), *_walk(plain, (), plain)]
    if not faults and _has_endless_reference(plain):
        faults.append(_fault((), "The schema refers to itself without end.", "Put a property between the references."))
    return faults[:FAULTS_MAX]


def _fault(steps: Steps, text: str, fix: str) -> SchemaFault:
    path = path_of(steps)
    return SchemaFault(f".{path}" if path and not path.startswith("[") else path, text, fix)


def _is_deeper(value: Any, levels: int) -> bool:
    if levels < 0:
        return True
    if isinstance(value, dict):
        return any(_is_deeper(item, levels - 1) for item in cast("dict[str, Any]", value).values())
    return isinstance(value, list) and any(_is_deeper(item, levels - 1) for item in cast("list[Any]", value))


def _against_metaschema(schema: dict[str, Any]) -> Iterator[SchemaFault]:
    validator = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    for error in validator.iter_errors(schema):  # pyright: ignore[reportUnknownMemberType]
        message = shortened(str(error.message), 200)
        yield _fault(tuple(error.absolute_path), f"This is not JSON Schema: {message}.", "Correct the keyword.")


def _walk(value: Any, steps: Steps, root: dict[str, Any]) -> Iterator[SchemaFault]:
    if isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _walk(item, (*steps, index), root)
    if not isinstance(value, dict):
        return
    members = cast("dict[str, Any]", value)
    for keyword, content in members.items():
        here = (*steps, keyword)
        if isinstance(content, str):
            yield from _keyword(keyword, content, here, root)
        if keyword == "patternProperties" and isinstance(content, dict):
            for pattern in cast("dict[str, Any]", content):
                yield from _pattern(pattern, here)
        yield from _walk(content, here, root)


def _keyword(keyword: str, content: str, here: Steps, root: dict[str, Any]) -> Iterator[SchemaFault]:
    if keyword == "$ref":
        # Anything but a place in this very text would make the check of a result reach out to the network.
        if not (content == "#" or content.startswith("#/")):
            text = f"The reference {shortened(content, 80)} leads out of the schema."
            yield _fault(here, text, "Copy what it names under $defs and refer to #/$defs/….")
        elif _target(root, content) is None:
            yield _fault(here, f"The reference {shortened(content, 80)} leads nowhere.", "Correct it.")
    elif keyword in ("$dynamicRef", "$recursiveRef") or (keyword == "$id" and len(here) > 1):
        yield _fault(here, f"{keyword} changes what references mean.", "Use $ref to #/$defs/… only.")
    elif keyword == "pattern":
        yield from _pattern(content, here)


def _pattern(pattern: str, here: Steps) -> Iterator[SchemaFault]:
    if len(pattern) > PATTERN_MAX:
        yield _fault(here, f"The pattern has more than {PATTERN_MAX} characters.", "Shorten it.")
        return
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        yield _fault(here, f"The pattern is not a regular expression: {error}.", "Correct it.")
        return
    if _REPEATED_REPETITION.search(pattern):
        text = "The pattern repeats a repetition, which can take for ever on a text that nearly fits."
        yield _fault(here, text, "Write it without one repetition inside another.")


def _target(root: dict[str, Any], reference: str) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = cast("dict[str, Any]", found).get(name)
        elif (
            isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(cast("list[Any]", found))
        ):
            found = cast("list[Any]", found)[int(name)]
        else:
            return None
    return cast("Any", found) if isinstance(found, dict | bool) else None


def _has_endless_reference(root: dict[str, Any]) -> bool:
    """Return whether some schema asks, about the same value, itself again."""
    done: set[int] = set()
    return any(_leads_back(start, root, done, set()) for start in _schemas(root))


def _schemas(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        yield members
        for item in members.values():
            yield from _schemas(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _schemas(item)


def _leads_back(schema: dict[str, Any], root: dict[str, Any], done: set[int], open_ones: set[int]) -> bool:
    if id(schema) in open_ones:
        return True
    if id(schema) in done:
        return False
    open_ones.add(id(schema))
    # A chain of references longer than this is refused as well: following it would exhaust the stack.
    too_long = len(open_ones) > 200
    endless = too_long or any(_leads_back(after, root, done, open_ones) for after in _asked_next(schema, root))
    open_ones.discard(id(schema))
    done.add(id(schema))
    return endless


def _asked_next(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for keyword in _IN_PLACE:
        content = schema.get(keyword)
        if keyword == "$ref" and isinstance(content, str):
            content = _target(root, content)
        if isinstance(content, list):
            yield from (item for item in cast("list[Any]", content) if isinstance(item, dict))
        elif keyword == "dependentSchemas" and isinstance(content, dict):
            yield from (item for item in cast("dict[str, Any]", content).values() if isinstance(item, dict))
        elif isinstance(content, dict):
            yield cast("dict[str, Any]", content)
