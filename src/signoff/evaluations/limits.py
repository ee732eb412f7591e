"""How much a dataset, its examples and an evaluation may hold."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from signoff.kit.canonical import canonical_json
from signoff.kit.errors import Malformed
from signoff.kit.stored_json import stored_json
from signoff.kit.text import storable

DATASETS_MAX: Final = 50
EXAMPLES_MAX: Final = 500
# Also those that were taken out: old versions can be told again.
EXAMPLES_EVER_MAX: Final = 10_000
EVALUATORS_MAX: Final = 20
# Of one agent, not yet over.
EVALUATIONS_OPEN_MAX: Final = 5
VALUE_CHARS_MAX: Final = 200_000
DESCRIPTION_CHARS: Final = 2_000
NOTE_CHARS: Final = 1_000
TAGS_MAX: Final = 20
TAG_CHARS: Final = 40
CAP_USD: Final = Decimal(5)
CAP_USD_MAX: Final = Decimal(10_000)
TOLERANCE: Final = 0.0


def checked_value(value: Any, field: str) -> Any:
    """Return an input or an expected value as it is stored.

    Raises:
        Malformed: it is no JSON, or too large.
    """
    plain = stored_json(value)
    if len(canonical_json(plain)) > VALUE_CHARS_MAX:
        words = f"has more than {VALUE_CHARS_MAX:,} characters"
        raise Malformed(f"The {field} {words}.", errors={field: [words]})
    return plain


def checked_text(text: str, field: str, most: int) -> str:
    """Return a text that may be empty, as it is stored."""
    clean = storable(text).strip()
    if len(clean) > most:
        words = f"has more than {most:,} characters"
        raise Malformed(f"The {field} {words}.", errors={field: [words]})
    return clean


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Return tags without doubles, in the order given."""
    found = list(dict.fromkeys(clean for tag in tags if (clean := checked_text(tag, "tags", TAG_CHARS))))
    if len(found) > TAGS_MAX:
        raise Malformed(f"An example has at most {TAGS_MAX} tags.", errors={"tags": [f"at most {TAGS_MAX}"]})
    return found


def checked_cap(cap_usd: Decimal | None) -> Decimal:
    """Return what an evaluation may cost; what is usual when nothing was said."""
    cap = CAP_USD if cap_usd is None else cap_usd
    if not (cap.is_finite() and 0 < cap <= CAP_USD_MAX):
        words = f"must be more than 0 and at most {CAP_USD_MAX:,} dollars"
        raise Malformed(f"The cap_usd {words}.", errors={"cap_usd": [words]})
    return cap


def checked_tolerance(tolerance: float) -> float:
    """Return how far a mean may fall, from 0 to 1."""
    if not 0 <= tolerance <= 1:
        raise Malformed("The tolerance is from 0 to 1.", errors={"tolerance": ["must be from 0 to 1"]})
    return float(tolerance)
