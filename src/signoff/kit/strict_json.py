"""JSON from outside, read strictly: one meaning only, bounded, and storable in every database."""

from __future__ import annotations

import json
from typing import Any, cast

from signoff.kit.errors import Malformed

DEPTH_MAX = 60
VALUES_MAX = 100_000
NUMBER_MAX = 2**63
_DIGITS_MAX = 40


class NotReadable(Malformed):
    """The body is not the JSON we take."""

    status = 400


def loads(data: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        NotReadable: not UTF-8, not JSON, NaN, a duplicate name, too deep, too many values.
        Malformed: a number beyond 64 bits, or a text no database takes (NUL, half a surrogate pair).
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_members,
            parse_constant=_no_constant,
            parse_int=_whole_number,
            parse_float=_number,
        )
    except UnicodeDecodeError:
        raise NotReadable("The body is not UTF-8.", code="bad_json") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise NotReadable(f"The body is not JSON{where}.", code="bad_json") from None
    _check(value)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotReadable("A name stands twice in one JSON object; which one counts is not clear.", code="bad_json")
    return found


def _no_constant(word: str) -> Any:
    raise NotReadable(f"{word} is not JSON.", code="bad_json")


def _whole_number(digits: str) -> int:
    if len(digits) > _DIGITS_MAX:
        raise _too_large()
    return int(digits)


def _number(digits: str) -> float:
    found = float(digits[:400])
    if found in (float("inf"), float("-inf")):
        raise _too_large()
    return found


def _check(value: Any) -> None:
    """Walk the value without recursion: depth, size, numbers, text."""
    seen, pending = 0, [(value, 1)]
    while pending:
        item, depth = pending.pop()
        seen += 1
        if depth > DEPTH_MAX:
            raise _too_deep()
        if seen > VALUES_MAX:
            raise NotReadable(f"The body holds more than {VALUES_MAX:,} values. Send less.", code="too_large")
        if isinstance(item, dict):
            members = cast("dict[str, Any]", item)
            pending += [(inner, depth + 1) for name, inner in members.items() if _is_text(name)]
        elif isinstance(item, list):
            pending += [(inner, depth + 1) for inner in cast("list[Any]", item)]
        elif isinstance(item, str):
            _is_text(item)
        elif isinstance(item, int) and abs(item) >= NUMBER_MAX:
            raise _too_large()


def _is_text(text: str) -> bool:
    # Half a surrogate pair has no UTF-8 form, and Postgres takes no NUL.
    if "\x00" in text or (not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)):
        raise Malformed("A text holds a NUL or half a surrogate pair. Take it out.", code="bad_text")
    return True


def _too_deep() -> Malformed:
    return NotReadable(f"The body is nested deeper than {DEPTH_MAX}. Make it flatter.", code="too_deep")


def _too_large() -> Malformed:
    return Malformed("A number is beyond 64 bits. Send it as a text.", code="number_too_large")
