"""The address of the list: its view, its filters, and the same list without one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, cast, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams

from signoff.kit import clock
from signoff.kit.text import storable
from signoff.runs.filters import Children, RunFilter
from signoff.runs.states import RUN_STATES, Origin, Source

VIEWS = (
    ("all", "All"),
    ("attention", "Needs attention"),
    ("running", "Running"),
    ("waiting", "Waiting"),
    ("test", "Test"),
)
SPANS = {"1h": ("last hour", 1), "24h": ("last 24 hours", 24), "7d": ("last 7 days", 168), "30d": ("last 30 days", 720)}
_SLUG = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")
_REVISION = re.compile(r"^([0-9]{1,9}|rev_[a-z0-9]{1,60})$")
_MOMENT = re.compile(r"^\d{4}-\d\d-\d\d(T\d\d:\d\d)?$")
_STATES: dict[str, tuple[str, ...]] = {"running": ("queued", "running"), "waiting": ("waiting",)}
_PLAIN = ("all", "test")
_SAID = ("q", "agent", "revision", "source", "origin", "environment", "time", "since", "until", "code", "children")
_TEXT_CHARS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. What it cannot mean is left out, so a link that is wrong shows more, not an error."""

    view: str = "all"
    q: str = ""
    status: tuple[str, ...] = ()
    agent: str = ""
    revision: str = ""
    source: str = ""
    origin: str = ""
    environment: str = ""
    time: str = ""
    since: str = ""
    until: str = ""
    code: str = ""
    step: str | None = None
    children: Children | Literal[""] = ""

    @staticmethod
    def of(query: QueryParams) -> Asked:
        """Return what a query says."""
        text = {name: storable(value) for name, value in query.items()}
        view = "attention" if text.get("needs_attention") == "yes" else text.get("view", "all")
        return Asked(
            view=view if view in dict(VIEWS) else "all",
            q=text.get("q", "").strip()[:_TEXT_CHARS],
            status=tuple(state for state in RUN_STATES if state in query.getlist("status")),
            agent=_fitting(_SLUG, text.get("agent", "")),
            revision=_fitting(
                _REVISION,
                text.get("revision", "").removeprefix("r")
                if "rev_" not in text.get("revision", "")
                else text["revision"],
            ),
            source=_one_of(get_args(Source), text.get("source", "")),
            origin=_one_of(get_args(Origin), text.get("origin", "")),
            environment=_fitting(_SLUG, text.get("environment", "")),
            time=_one_of(tuple(SPANS), text.get("time", "")),
            since=_fitting(_MOMENT, text.get("since", "")),
            until=_fitting(_MOMENT, text.get("until", "")),
            code=_fitting(_SLUG, text.get("code", "")),
            step=text["step"][:_TEXT_CHARS] if "step" in text and text.get("code") else None,
            children=cast("Children", _one_of(get_args(Children), text.get("children", ""))),
        )

    def parameters(self) -> list[tuple[str, str]]:
        """Return the parts of the address that say something, in a fixed order."""
        found: list[tuple[str, str]] = [] if self.view == "all" else [("view", self.view)]
        found += [("status", state) for state in self.status]
        for name in (
            "q",
            "agent",
            "revision",
            "source",
            "origin",
            "environment",
            "time",
            "since",
            "until",
            "code",
            "children",
        ):
            value = str(getattr(self, name))
            if value:
                found.append((name, value))
        if self.step is not None:
            found.append(("step", self.step))
        return found

    def address(self, **changes: str) -> str:
        """Return the address of this list below the workspace; `cursor` may be added."""
        said = [*self.parameters(), *((name, value) for name, value in changes.items() if value)]
        return "/runs" + (f"?{urlencode(said)}" if said else "")

    def without(self, *names: str) -> str:
        """Return the address of the list without these filters."""
        empty = {name: () if name == "status" else None if name == "step" else "" for name in names}
        return replace(self, **empty).address()

    def in_view(self, view: str) -> str:
        """Return the address of another view with the same filters; a status that the view decides is dropped."""
        return replace(self, view=view, status=() if view in _STATES else self.status).address()

    def with_children(self, children: Children) -> str:
        """Return the address of the same list with the runs that agents asked for, without them, or of them alone."""
        return replace(self, children=children).address()

    @property
    def shown_children(self) -> Children:
        """Return whether runs that agents asked for are shown. Unless the address says so they are left out of the
        plain lists alone: whoever looks for something, or for what needs a person, finds it wherever it is."""
        if self.children:
            return self.children
        is_narrow = bool(self.q or self.agent or self.revision or self.code or self.status)
        return "all" if is_narrow or self.view not in _PLAIN else "without"

    @property
    def is_filtered(self) -> bool:
        """Return whether anything beside the view narrows the list."""
        return bool(replace(self, view="all").parameters())

    def wanted(self, zone: ZoneInfo) -> RunFilter:
        """Return the filter of the runs room. Days and hours are the reader's."""
        states = _STATES.get(self.view, ())
        since = _moment(self.since, zone)
        if self.time and since is None:
            since = clock.now() - timedelta(hours=SPANS[self.time][1])
        return RunFilter(
            agent=self.agent or None,
            revision=self.revision or None,
            states=tuple(set(states) & set(self.status)) if states and self.status else states or self.status,
            source=self.source or None,
            origin=self.origin or ("test" if self.view == "test" else None),
            environment=self.environment or None,
            since=since,
            until=_moment(self.until, zone, is_end=True),
            text=self.q or None,
            needs_attention=True if self.view == "attention" else None,
            code=self.code or None,
            failed_step=self.step,
            children=self.shown_children,
        )


def _fitting(pattern: re.Pattern[str], text: str) -> str:
    return text if pattern.match(text) else ""


def _one_of(known: tuple[str, ...], text: str) -> str:
    return text if text in known else ""


def _moment(text: str, zone: ZoneInfo, *, is_end: bool = False) -> datetime | None:
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        return None
    # "Until the 5th" means the whole 5th.
    whole_day = timedelta(days=1) if is_end and "T" not in text else timedelta()
    try:
        return (local + whole_day).astimezone(UTC)
    except OverflowError:
        return None
