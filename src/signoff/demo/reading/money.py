"""Sums of money in text: what total does this message ask for?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD")
# A bare sign that several currencies share.
ANY_DOLLAR = "$"

_CODES = (
    "EUR|USD|GBP|CHF|JPY|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|NZD|SGD|ZAR|CNY|INR|BRL|MXN|HKD|KRW|TRY|RON|BGN|ILS|THB|AED"
)
_SIGNS = {"€": "EUR", "£": "GBP", "¥": "JPY", "US$": "USD", "CA$": "CAD", "C$": "CAD", "A$": "AUD", "NZ$": "NZD",
          "S$": "SGD", "R$": "BRL", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "$": ANY_DOLLAR}  # fmt: skip
_CURRENCY = re.compile(rf"(?<![A-Za-z])(?:{_CODES})(?![A-Za-z])|(?:US|CA|C|A|NZ|S|R)?\$|[€£¥]|(?<=[\d ])(?:zł|Kč|Ft)\b")
_NUMBER = re.compile(
    r"(?<![\w.,-])-?\d{1,15}(?:[.,'’ \u00a0\u202f]\d{3}(?!\d)){0,5}(?:[.,]\d{1,2}(?!\d))?(?![\w-])(?!\s?%)"
)
_GLUED = re.compile(rf"((?:{_CODES})|[€£¥$])(?=\d)|(?<=\d)(?=[€£¥]|(?:{_CODES})\b)")

# What the sum to pay is called, surest first; the first kind that is found anywhere in the message counts.
_STRONG = re.compile(
    r"amount (?:due|payable)|total (?:due|payable)|balance due|grand total|invoice total|total to pay|payable ?amount|"
    r"tax ?inclusive ?amount|total incl|gross total|total amount|invoice amount|total ttc|net [àa] payer|montant total|"
    r"gesamtbetrag|rechnungsbetrag|endbetrag|bruttobetrag|gesamtsumme|zu zahlen|total inkl|importe total|"
    r"total a pagar|total factura|totale (?:fattura|da pagare|documento)|valor total|te betalen|totaal|att betala|"
    r"å betale|at betale|do zapłaty|razem brutto|celkem|fizetendő",
    re.IGNORECASE,
)
_WEAK = re.compile(r"\btotal[e]?\b|\bsumme\b|\bsumma\b|\bamount\b|\bbetrag\b|\bmontant\b|\bimporte\b", re.IGNORECASE)
_NOT_IT = re.compile(
    r"sub-?\s?total|total (?:ht|excl|net\b|discount|credit|tax|vat)|netto|tax ?exclusive|line ?(?:amount|total)|"
    r"excl(?:uding|\.)|\bnet (?:amount|total)|unit|per hour|sous-total|zwischensumme|order total|"
    r"max(?:imum)? amount|minimum amount",
    re.IGNORECASE,
)
_LINES_MAX = 20_000
_LINE_CHARS_MAX = 400


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount in units of `currency`, which is an ISO code, "$" when the text says no more, or None."""

    amount: Decimal
    currency: str | None


def number_of(text: str) -> Decimal | None:
    """Return the number a person meant by "1.234,50", "1,234.50", "1 234,5" or "1'234.50"; None when it is none."""
    digits = re.sub(r"[\s'’\u00a0\u202f]", "", text)
    if not re.fullmatch(r"-?\d[\d.,]*", digits):
        return None
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return Decimal(digits)
    tail = len(digits) - last - 1
    separators = {ch for ch in digits if ch in ".,"}
    # One kind of mark with three digits behind it groups thousands; otherwise the last mark is the decimal one.
    is_decimal = tail in (1, 2) and (len(separators) == 2 or digits.count(digits[last]) == 1)
    whole = re.sub(r"[.,]", "", digits[:last] if is_decimal else digits)
    return Decimal(f"{whole}.{digits[last + 1 :]}" if is_decimal else whole)


def currencies(text: str) -> set[str]:
    """Return the currencies named in `text`; "$" only when no dollar is named more exactly."""
    found = {_SIGNS.get(match.group(), match.group()) for match in _CURRENCY.finditer(text)}
    return found - {ANY_DOLLAR} if found & set(DOLLARS) else found


def totals(text: str) -> tuple[list[Sum], list[Sum]]:
    """Return the sums to pay that `text` names: those named plainly, and those that are only called a total."""
    lines = [line.strip()[:_LINE_CHARS_MAX] for line in text.splitlines()[:_LINES_MAX]]
    lines = [line for line in lines if line]
    strong: list[Sum] = []
    weak: list[Sum] = []
    for position, line in enumerate(lines):
        if _NOT_IT.search(line):
            continue
        label = _STRONG.search(line) or _WEAK.search(line)
        if label is None:
            continue
        following = lines[position + 1] if position + 1 < len(lines) else ""
        found = _sum_behind(line, label.end(), following)
        if found is not None:
            (strong if _STRONG.search(line) else weak).append(found)
    return strong, weak


def only_sum(line: str) -> Sum | None:
    """Return the sum a line consists of, apart from its currency; None when there is anything else in it."""
    rest = _CURRENCY.sub(" ", _GLUED.sub(r"\1 ", line)).strip(" :\t|\u00a0\u202f")
    value = number_of(rest) if _NUMBER.fullmatch(rest) else None
    return None if value is None else Sum(value, _one(currencies(line)))


def _sum_behind(line: str, start: int, following: str) -> Sum | None:
    spaced = _GLUED.sub(r"\1 ", line[start:])
    values = [value for match in _NUMBER.finditer(spaced) if (value := number_of(match.group())) is not None]
    if values:
        return Sum(values[-1], _one(currencies(line)))
    # A table whose cells came out one below the other.
    return only_sum(following) if len(line) - start < 8 else None


def _one(found: set[str]) -> str | None:
    return found.pop() if len(found) == 1 else None
