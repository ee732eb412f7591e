"""Patterns that people write, matched in time that grows with the text and no faster.

The engine is the one of pydantic-core: it never goes back, so no pattern takes for ever on a text that nearly fits.
It has no look-around and no back-references, and refuses what would compile to more than ten megabytes.
"""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

from signoff.kit.text import shortened, storable

CHARS_MAX = 500


class NotAPattern(ValueError):
    """The text is no pattern that can be matched safely; the message says why."""


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator:
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex", strict=True))
    except SchemaError as error:
        # The last line says what is wrong; those before repeat the pattern with a mark below it.
        said = str(error).strip().splitlines()[-1].strip().removeprefix("error:").removeprefix("SchemaError:").strip()
        raise NotAPattern(shortened(storable(said), 200) or "it cannot be read") from None


def check_pattern(pattern: str) -> str:
    """Return `pattern`.

    Raises:
        NotAPattern: it is too long, no pattern, or one that could be matched in no bounded time.
    """
    if len(pattern) > CHARS_MAX:
        raise NotAPattern(f"it has more than {CHARS_MAX} characters")
    _compiled(pattern)
    return pattern


def is_found(pattern: str, text: str) -> bool:
    """Return whether a checked pattern is found anywhere in a text. `^` and `$` tie it to the ends."""
    return _compiled(pattern).isinstance_python(storable(text))
