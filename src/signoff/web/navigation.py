"""The navigation, as data. A new page that deserves a place in the side bar is one line here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Link:
    """One place in the side bar."""

    key: str
    text: str
    path: str
    icon: str
    go: str = ""
    """The letter that, pressed after G, opens it."""
    tone: Literal["wait", "bad"] = "wait"
    counted: str = ""
    """What its number means, for a reader who hears the page."""
    is_in_bar: bool = False
    """Shown in the bar at the bottom of a phone."""


@dataclass(frozen=True, slots=True)
class Group:
    """Links under one heading."""

    title: str
    links: tuple[Link, ...]


NAVIGATION = (
    Group(
        "",
        (
            Link("home", "Home", "/", "house", "h", is_in_bar=True),
            Link("inbox", "Inbox", "/inbox", "inbox", "b", counted="wait for you", is_in_bar=True),
            Link("runs", "Runs", "/runs", "layout-list", "r", counted="need attention", is_in_bar=True),
            Link("agents", "Agents", "/agents", "bot", "a", is_in_bar=True),
        ),
    ),
    Group(
        "Operate",
        (
            Link("incidents", "Incidents", "/incidents", "siren", "f", "bad", "under way"),
            Link("releases", "Releases", "/releases", "rocket", "d", counted="under way"),
            Link("serving", "What serves", "/serving", "layout-grid", "v"),
            Link("reconciliation", "Reconciliation", "/reconciliation", "scale", "n", counted="to settle"),
            Link("connections", "Connections", "/connections", "plug", "c", "bad", "unhealthy"),
            Link("secrets", "Secrets", "/secrets", "key-round", "s"),
        ),
    ),
    Group(
        "Settings",
        (
            Link("members", "Members", "/settings/members", "users", "m"),
            Link("sign_in", "Signing in", "/settings/sign-in", "log-in", "i"),
            Link("keys", "API keys", "/settings/keys", "square-terminal", "k"),
            Link("sso", "Single sign-on", "/settings/sso", "fingerprint", "o"),
            Link("limits", "Limits", "/settings/limits", "gauge", "l"),
            Link("environments", "Environments", "/settings/environments", "layers", "e"),
            Link("policy", "Release policy", "/settings/policy", "shield-check", "p"),
            Link("webhooks", "Webhooks", "/settings/webhooks", "webhook", "t"),
            Link("workspace", "Workspace", "/settings/workspace", "building-2", "w"),
            Link("audit", "Audit log", "/settings/audit", "scroll-text", "u"),
        ),
    ),
)
LINKS = tuple(link for group in NAVIGATION for link in group.links)
BAR = tuple(link for link in LINKS if link.is_in_bar)
