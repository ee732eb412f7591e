"""Template filters. Every number and every time on screen goes through one of these."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from markupsafe import Markup

from signoff.kit.clock import now as clock_now

NONE = "–"
PRICE_UNKNOWN = "price unknown"
TimeStyle = Literal["ago", "clock", "date", "full", "day"]


@dataclass(frozen=True, slots=True)
class _Viewing:
    zone: ZoneInfo
    now: datetime


# Macros are drawn without the page's variables, so the reader's zone travels beside them, not through each of them.
_viewing: ContextVar[_Viewing] = ContextVar("viewing")


@contextmanager
def viewing(zone: ZoneInfo, now: datetime | None = None) -> Generator[None]:
    """While it lasts, times are drawn for a reader in this zone at this moment."""
    token = _viewing.set(_Viewing(zone, now or clock_now()))
    try:
        yield
    finally:
        _viewing.reset(token)


def _reader() -> _Viewing:
    return _viewing.get(None) or _Viewing(ZoneInfo("UTC"), clock_now())


def duration(ms: float | None) -> str:
    """Milliseconds as people say them: 640 ms, 33.5 s, 18m 27s, 3h 05m, 2d 4h."""
    if ms is None:
        return NONE
    if ms < 999.5:
        return f"{round(ms)} ms"
    if ms < 59_950:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    if minutes < 60:
        return f"{minutes}m {seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h {minutes:02d}m"
    return f"{hours // 24}d {hours % 24}h"


def money(usd: Decimal | None, is_known: bool = True, is_estimated: bool = False) -> str:
    """US dollars. None with ``is_known=False`` says aloud that nobody knows the price; plain None means no cost."""
    if is_estimated and usd:
        return f"{money(usd, is_known)}, estimated"
    if not is_known:
        return PRICE_UNKNOWN if not usd else f"{money(usd)} + {PRICE_UNKNOWN}"
    if usd is None:
        return NONE
    if usd == 0:
        return "$0"
    size, sign = abs(usd), "−" if usd < 0 else ""
    if size < Decimal("0.0001"):
        return f"{sign}<$0.0001"
    digits = 4 if size < Decimal("0.01") else 3 if size < 1 else 2
    return f"{sign}${size:,.{digits}f}"


def count(value: int | None) -> str:
    """1,284 · 22.2k · 1.3M"""
    if value is None:
        return NONE
    if value >= 999_950:
        return f"{value / 1e6:.1f}M"
    if value >= 10_000:
        return f"{value / 1e3:.1f}k"
    return f"{value:,}"


def size(byte_count: int | None) -> str:
    """Bytes as people say them: 812 B, 4.1 KB, 20.0 MB."""
    if byte_count is None:
        return NONE
    value = float(byte_count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:,.0f} B" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1000
    raise AssertionError("the loop returns at its last unit")


def plural(number: int, one: str, many: str = "") -> str:
    """1 step, 2 steps, 1,284 runs"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def initials(name: str) -> str:
    """Two letters for a name or an e-mail address."""
    parts = [part for part in re.split(r"[\s._@-]+", name) if part[:1].isalnum()]
    return "".join(part[0] for part in parts[:2]).upper() or "?"


def ago(moment: datetime, now: datetime) -> str:
    """Kept word for word in app.js, which refreshes it every half minute."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 45:
        return "just now"
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= length or unit == "min":
            number = max(int(abs(seconds) / length + 0.5), 1)
            return f"in {number} {unit}" if seconds < 0 else f"{number} {unit} ago"
    raise AssertionError("the loop returns at minutes")


def time_tag(moment: datetime | None, style: TimeStyle = "ago") -> Markup:
    """A <time> element: words in the reader's zone from the server, the exact value for machines, so nothing moves."""
    if moment is None:
        return Markup("–")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    reader = _reader()
    local = moment.astimezone(reader.zone)
    exact = f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S} {local.tzname()}"
    year = "" if local.year == reader.now.astimezone(reader.zone).year else f" {local.year}"
    text = {
        "ago": ago(moment, reader.now),
        "clock": f"{local:%H:%M:%S}",
        "date": f"{local.day} {local:%b}{year} {local:%H:%M}",
        "day": f"{local.day} {local:%b}{year}",
        "full": exact,
    }[style]
    return Markup('<time datetime="{}" title="{}" data-time="{}">{}</time>').format(
        f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", exact, style, text
    )


def since_tag(moment: datetime) -> Markup:
    """How long something has been going on; app.js lets it count."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    elapsed_ms = max((_reader().now - moment).total_seconds(), 0) * 1000
    return Markup('<time datetime="{}" data-since>{}</time>').format(
        f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", duration(elapsed_ms)
    )


ATTRIBUTE = re.compile(r"[a-z][a-z0-9:._-]*")
CODE_ATTRIBUTE = re.compile(r"on.*|style|srcdoc|hx-on.*")


def attributes(values: Mapping[str, object], more: Mapping[str, object] | None = None) -> Markup:
    """Further HTML attributes of a macro: ``hx_get="/x"`` becomes ``hx-get="/x"``, True stands alone, None vanishes.

    Raises ValueError for a name that carries code: nothing is inline here, and the browser's policy would refuse it.
    """
    out = Markup()
    for key, value in {**values, **(more or {})}.items():
        name = key.replace("_", "-")
        if value is None or value is False:
            continue
        if not ATTRIBUTE.fullmatch(name) or CODE_ATTRIBUTE.fullmatch(name):
            raise ValueError(f"{key!r} cannot be an attribute here")
        if name in ("hx-vals", "hx-headers", "hx-confirm") and str(value).lstrip().startswith(("js:", "javascript:")):
            raise ValueError(f"{key!r} must not carry a script")
        out += Markup(" ") + name  # checked above to be a plain name
        if value is not True:
            out += Markup('="{}"').format(value)
    return out


def compact_json(value: object) -> str:
    """A value as one line of JSON, cut at 600 characters: for a cell, not for reading all of it."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 600 else text[:599] + "…"


FILTERS = {
    "attributes": attributes,
    "compact_json": compact_json,
    "count": count,
    "duration": duration,
    "initials": initials,
    "money": money,
    "plural": plural,
    "since": since_tag,
    "size": size,
    "time": time_tag,
}
