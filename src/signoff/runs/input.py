"""What a run is given: made plain, checked, cut to size with a visible mark, and given a title. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

from signoff.kit.errors import Malformed
from signoff.kit.stored_json import stored_json
from signoff.kit.text import shortened, storable

_FINDINGS_MAX = 20
# A reference to another document finds nothing here, instead of being fetched.
_NOTHING_ELSE: Any = cast("Any", Registry)()
_TITLE_CHARS = 120
_SEARCH_CHARS = 300
_TITLE_KEYS = ("subject", "title", "name", "summary", "question", "task")


@dataclass(frozen=True, slots=True)
class Prepared:
    """An input as it is stored and shown to the model."""

    value: Any
    title: str
    search_text: str
    is_truncated: bool


def prepare(value: Any, *, schema: dict[str, Any] | None, chars_max: int, title: str | None, fallback: str) -> Prepared:
    """Return `value` as a run takes it.

    Raises:
        Malformed: it is not plain JSON, nests too deep, or does not satisfy `schema`; `errors` says where.
    """
    plain = stored_json(value)
    if schema:
        _check(plain, schema)
    cut = truncated(plain, chars_max)
    name = shortened(storable(title or "").strip() or _title_of(cut) or fallback, _TITLE_CHARS)
    return Prepared(cut, name, _search_text(cut), cut is not plain)


def masked_title(value: Any, title: str, mask: Callable[[Any], Any]) -> tuple[str, str]:
    """Return the title and the search words of an input whose secrets `mask` covers.

    A title that was taken from the input is taken from the masked one: cut to size, it may hold only half of a secret.
    """
    masked = mask(value)
    own = _title_of(value)
    is_own = bool(own) and shortened(storable(own), _TITLE_CHARS) == title
    return shortened(_title_of(masked) if is_own else mask(title), _TITLE_CHARS), _search_text(masked)


def findings(value: Any, schema: dict[str, Any]) -> dict[str, list[str]]:
    """Return path → sentences for everything about `value` that `schema` forbids; at most 20. References to other
    documents are never fetched."""
    found: dict[str, list[str]] = {}
    validator = Draft202012Validator(schema, registry=_NOTHING_ELSE)
    try:
        for number, error in enumerate(validator.iter_errors(value)):  # pyright: ignore[reportUnknownMemberType]
            path = "".join(f"/{part}" for part in error.absolute_path)
            found.setdefault(path, []).append(shortened(error.message, 300))
            if number >= _FINDINGS_MAX - 1:
                break
    except (SchemaError, Unresolvable, RecursionError) as error:
        found.setdefault("", []).append(f"the schema itself cannot be used: {shortened(str(error), 200)}")
    return found


def _check(value: Any, schema: dict[str, Any]) -> None:
    found = findings(value, schema)
    if found:
        first = next(iter(found.items()))
        raise Malformed(
            f"The input does not fit this agent's input schema: {first[0] or 'input'}: {first[1][0]}.",
            errors={f"input{path}": sentences for path, sentences in found.items()},
            code="bad_input",
        )


def size_of(value: Any) -> int:
    """Return how many characters the model would be shown."""
    return len(value) if isinstance(value, str) else len(json.dumps(value, ensure_ascii=False))


def truncated(value: Any, chars_max: int) -> Any:
    """Return `value` itself when it fits, or a copy whose longest texts are cut, each with a mark that says so."""
    size = size_of(value)
    if size <= chars_max:
        return value
    if isinstance(value, str):
        return _cut(value, chars_max)
    # The longest text is nearly always the body of a message; what is short (ids, addresses) stays whole.
    lengths = sorted((len(text) for text in _texts(value)), reverse=True)
    limit = chars_max
    while limit > 200:
        limit = limit * 3 // 4
        saved = sum(length - limit for length in lengths if length > limit)
        if size - saved <= chars_max:
            shorter = _cut_texts(value, limit)
            if size_of(shorter) <= chars_max:
                return shorter
    return _cut(json.dumps(value, ensure_ascii=False), chars_max)


def _cut(text: str, chars: int) -> str:
    mark = f"\n\n[Cut here by Signoff: {len(text) - chars:,} of {len(text):,} characters are not shown]"
    return text[: max(chars - len(mark), 0)] + mark


def _cut_texts(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return _cut(value, limit) if len(value) > limit else value
    if isinstance(value, dict):
        return {key: _cut_texts(item, limit) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_cut_texts(item, limit) for item in cast("list[Any]", value)]
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in cast("dict[str, Any]", value).values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)


def _title_of(value: Any) -> str:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        lowered = {key.lower(): item for key, item in fields.items()}
        for key in _TITLE_KEYS:
            if isinstance(found := lowered.get(key), str) and found.strip():
                return _first_line(found)
    return next((line for text in _texts(value) if (line := _first_line(text))), "")


def _first_line(text: str) -> str:
    return next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "")


def _search_text(value: Any) -> str:
    words: list[str] = []
    length = 0
    for text in _texts(value):
        piece = " ".join(text[:_SEARCH_CHARS].lower().split())
        words.append(piece)
        length += len(piece) + 1
        if length > _SEARCH_CHARS:
            break
    return " ".join(words)[:_SEARCH_CHARS]
