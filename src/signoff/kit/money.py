"""Money is `Decimal` US dollars in code and whole nano-dollars in the database, so that sums are exact."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

NANO = Decimal(1_000_000_000)
ZERO = Decimal(0)
# The least that a person gives a run: below it there is nothing to decide about.
CENT = Decimal("0.01")
# The least a limit can be: what one token costs where a million of them cost a dollar. Less than that bounds nothing.
LEAST_LIMIT = Decimal("0.000001")


def to_nano(usd: Decimal) -> int:
    """Return whole nano-dollars, rounded half up."""
    return int((usd * NANO).to_integral_value(rounding=ROUND_HALF_UP))


def from_nano(nano: int) -> Decimal:
    """Return dollars as an exact `Decimal`."""
    return Decimal(nano) / NANO


def as_text(usd: Decimal | None) -> str | None:
    """Return plain digits for JSON (`"0.0042"`): money never becomes a float on the wire."""
    if usd is None:
        return None
    text = format(usd.quantize(Decimal("0.000000001")).normalize(), "f")
    return "0" if text in ("-0", "") else text


def dollars(usd: Decimal | str | None) -> str:
    """Return an amount as people read it, exactly, with its cents at least: `$0.50`, `$12.00`, `$0.0042`."""
    if usd is None or usd == "":
        return ""
    text = as_text(Decimal(usd)) or "0"
    whole, _, rest = text.removeprefix("-").partition(".")
    sign = "−" if text.startswith("-") else ""
    return f"{sign}${int(whole):,}.{rest.ljust(2, '0')}"
