"""Numbers of a comparison as a reader wants them. Pure."""

from __future__ import annotations


def percent(share: float) -> str:
    """Return a share in percent: `6.1 %`."""
    return f"{share * 100:.1f} %"


def signed(value: float, digits: int = 1) -> str:
    """Return a number with its sign, and none for zero: `+4.1`, `−0.3`, `0.0`."""
    text = f"{abs(value):.{digits}f}"
    if not float(text):
        return text
    return f"+{text}" if value > 0 else f"−{text}"


def span(low: float, high: float, digits: int = 1) -> str:
    """Return an interval: `1.2 to 7.3`."""
    return f"{_plain(low, digits)} to {_plain(high, digits)}"


def _plain(value: float, digits: int) -> str:
    return signed(value, digits).removeprefix("+")
