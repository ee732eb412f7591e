"""How the ERP speaks: refusals in sentences, money as numbers of two decimals, names compared leniently."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

_AMOUNT_MAX = Decimal("1e12")
# Endings that say what kind of company it is, not which one.
_FORMS = re.compile(r"\b(gmbh|co|kg|ltd|limited|inc|corp|llc|ag|sarl|sas|sa|srl|sl|bv|nv|ab|as|aps|oy|ou|kk|pty|pte)\b")


class ErpRefusal(Exception):
    """The ERP says no; the text is for the caller to read."""


def money(cents: int) -> float:
    """Return hundredths as a number of units with two decimals."""
    return float(Decimal(cents) / 100)


def cents(amount: float | str) -> int:
    """Return an amount of units as hundredths, rounded half up.

    Raises:
        ErpRefusal: it is not a number, not above zero, or absurdly large.
    """
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        raise ErpRefusal("The amount is not a number. Give it with a point, for example 1234.50.") from None
    if not value.is_finite() or not 0 < value < _AMOUNT_MAX:
        raise ErpRefusal("The amount must be above zero and below 1,000,000,000,000.")
    return int((value * 100).quantize(Decimal(1), ROUND_HALF_UP))


def plain_name(name: str) -> str:
    """Return a company's name as it is compared: no accents, case, punctuation or legal form."""
    decomposed = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("ß", "ss"))
    letters = "".join(ch for ch in decomposed if not unicodedata.combining(ch)).casefold()
    words = re.sub(r"[^a-z0-9& ]+", " ", letters.replace(".", "")).replace("&", " ")
    return " ".join(_FORMS.sub(" ", words).split())


def required(value: str, what: str, *, chars_max: int = 200) -> str:
    """Return `value` without blanks around it.

    Raises:
        ErpRefusal: it is empty or too long.
    """
    text = value.strip()
    if not text:
        raise ErpRefusal(f"The {what} is missing.")
    if len(text) > chars_max:
        raise ErpRefusal(f"The {what} has more than {chars_max} characters.")
    return text
