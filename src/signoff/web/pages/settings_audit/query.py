"""What the audit page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.people.access import Principal
from signoff.people.audit_search import WORDS_CHARS_MAX, search_audit
from signoff.people.facts import AuditFacts
from signoff.record.audit import Verdict
from signoff.web.permission_words import AREA_WORDS

_MORE_AREAS = {"session": "Sign-in", "setup_link": "Setup links"}
AREAS: tuple[tuple[str, str], ...] = tuple({**AREA_WORDS, **_MORE_AREAS}.items())
ACTORS: tuple[tuple[str, str], ...] = (
    ("member", "People"),
    ("key", "People's API keys"),
    ("service_account", "Service accounts"),
    ("run", "Agents"),
    ("system", "Signoff itself"),
)
SPANS: tuple[tuple[str, str, timedelta], ...] = (
    ("day", "Last 24 hours", timedelta(days=1)),
    ("week", "Last 7 days", timedelta(days=7)),
    ("month", "Last 30 days", timedelta(days=30)),
)
_PATHS = {
    "agent": "/agents",
    "connection": "/connections",
    "run": "/runs",
    "member": "/settings/members",
    "identity_provider": "/settings/sso",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the audit."""

    row: AuditFacts

    @property
    def action(self) -> str:
        """Return the action in words: `key.used_while_revoked` → "Key used while revoked"."""
        return self.row.action.replace(".", " ").replace("_", " ").capitalize()

    @property
    def path(self) -> str:
        """Return where its object is seen, below the workspace; empty where nothing is."""
        root = _PATHS.get(self.row.object_kind)
        return f"{root}/{self.row.object_id}" if root else ""

    @property
    def actor_icon(self) -> str:
        """Return the icon of who did it."""
        known = {"member": "user", "key": "square-terminal", "service_account": "server-cog", "run": "bot"}
        return known.get(self.row.actor_kind, "cog")


@dataclass(frozen=True, slots=True)
class AuditView:
    """The list and its filters. Addresses lie below the workspace. `verdict`: the chain was checked just now."""

    lines: tuple[Line, ...]
    q: str
    areas: tuple[str, ...]
    actor: str
    span: str
    newer: str | None
    older: str | None
    verdict: Verdict | None
    area_options: tuple[tuple[str, str], ...] = AREAS
    actor_options: tuple[tuple[str, str], ...] = ACTORS

    @property
    def span_options(self) -> list[tuple[str, str]]:
        """Return the spans as a filter offers them."""
        return [(name, words) for name, words, _ in SPANS]

    @property
    def address(self) -> str:
        """Return the address of this list, without what is not set."""
        return address_of(self.q, self.areas, self.actor, self.span)


def address_of(q: str, areas: tuple[str, ...], actor: str, span: str, cursor: str = "") -> str:
    """Return the address of a list, without what is not set."""
    said = [("q", q), *(("area", area) for area in areas), ("actor", actor), ("span", span), ("cursor", cursor)]
    query = urlencode([(name, value) for name, value in said if value])
    return "/settings/audit" + (f"?{query}" if query else "")


def load(
    session: Session,
    viewer: Principal,
    *,
    q: str = "",
    areas: tuple[str, ...] = (),
    actor: str = "",
    span: str = "",
    cursor: str | None = None,
    verdict: Verdict | None = None,
) -> AuditView:
    """Return one page of the audit.

    Raises:
        NotAllowed: the viewer may not read the audit.
    """
    q = q.strip()[:WORDS_CHARS_MAX]
    areas = tuple(area for area in dict(AREAS) if area in areas)
    actor = actor if actor in dict(ACTORS) else ""
    since = _since(span)
    page = search_audit(session, viewer, words=q, areas=areas, actor_kind=actor, since=since, cursor=cursor)
    span = span if since else ""
    return AuditView(
        lines=tuple(Line(row) for row in page.rows),
        q=q,
        areas=areas,
        actor=actor,
        span=span,
        newer=address_of(q, areas, actor, span, page.previous_cursor) if page.previous_cursor else None,
        older=address_of(q, areas, actor, span, page.next_cursor) if page.next_cursor else None,
        verdict=verdict,
    )


def _since(span: str) -> datetime | None:
    length = next((length for name, _, length in SPANS if name == span), None)
    return clock.now() - length if length else None
