"""What the shell around every page shows: who is looking, where, and what waits for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Literal, cast
from zoneinfo import ZoneInfo, available_timezones

from starlette.requests import Request
from starlette.responses import Response

from signoff.kit.clock import now
from signoff.web.flash import Flash, read_flash

Theme = Literal["light", "dark", "system"]
THEMES: tuple[Theme, ...] = ("system", "light", "dark")
A_YEAR_SECONDS = 31_536_000


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace or an environment one can switch to."""

    name: str
    href: str
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Chrome:
    """The shell's data. Whoever knows the signed-in person fills in the first block; the page adds the second.

    ``counts`` maps a navigation key (``runs``, ``reconciliation``, ``connections``) to how many things there need a
    person; zero or absent shows nothing. ``zone`` is an IANA name; empty means "take it from the browser".
    """

    workspace: str = "Signoff"
    base: str = ""
    """Put before every address of the navigation, for example ``/w/acme``; no slash at the end."""
    environment: str = ""
    environment_tone: Literal["ok", "note", "idle"] = "ok"
    environments: tuple[Place, ...] = ()
    workspaces: tuple[Place, ...] = ()
    viewer: str = ""
    viewer_email: str = ""
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    zone: str = ""
    has_single_keys: bool = True
    """Single-letter shortcuts; a person can turn them off (WCAG 2.1.4)."""
    notice: str = ""
    """One sentence shown on every page, for example that all model answers here are scripted."""

    path: str = "/"
    theme: Theme = "system"
    flash: Flash | None = None
    drawn_at: datetime = field(default_factory=now)

    @property
    def is_signed_in(self) -> bool:
        return bool(self.viewer)

    def href(self, path: str) -> str:
        return f"{self.base}{path}" if path != "/" else (self.base or "/")

    def is_here(self, path: str) -> bool:
        """Whether the page on screen lies at or under this address of the navigation."""
        target = self.href(path)
        return self.path == target or (path != "/" and self.path.startswith(target + "/"))


def chrome_of(request: Request) -> Chrome:
    """The shell of this request, from the callable ``request.state.chrome``; without one, a visitor's."""
    make = getattr(request.state, "chrome", None)
    chrome = cast(Chrome, make()) if callable(make) else Chrome()
    return replace(
        chrome,
        path=request.url.path,
        theme=theme_of(request),
        flash=read_flash(request),
        zone=chrome.zone or zone_of(request),
    )


def theme_of(request: Request) -> Theme:
    """The chosen theme; "system" for none."""
    wanted = request.cookies.get("theme", "")
    return wanted if wanted in THEMES else "system"


def remember_theme(response: Response, theme: str) -> None:
    """Keeps a theme for a year; a word that is no theme changes nothing."""
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=A_YEAR_SECONDS, samesite="lax", httponly=True)


def zone_of(request: Request) -> str:
    """The zone the browser told in its ``tz`` cookie, or UTC."""
    wanted = request.cookies.get("tz", "").replace("%2F", "/")
    return wanted if wanted in available_zones() else "UTC"


@cache
def available_zones() -> frozenset[str]:
    """The names of all time zones this machine knows."""
    return frozenset(available_timezones())


def zone_info(name: str) -> ZoneInfo:
    """The zone of that name, or UTC when this machine does not know it."""
    return ZoneInfo(name if name in available_zones() else "UTC")
