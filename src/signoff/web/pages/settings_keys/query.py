"""What the pages of API keys show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize, can, reach
from signoff.people.account_queries import service_accounts
from signoff.people.facts import KeyFacts, NewKey
from signoff.people.key_queries import keys
from signoff.people.queries import environments, workspace
from signoff.people.roles import KEY_PRESETS
from signoff.web.forms import Form
from signoff.web.looks import LOOKS
from signoff.web.permission_words import ACTION_WORDS

PRESET_WORDS: tuple[tuple[str, str, str], ...] = (
    ("runner", "Runner", "Starts runs, reads and cancels them. For programs that hand work to agents."),
    ("builder", "Builder", "Also makes and changes agents and tries connections. For agents kept as code."),
    ("deployer", "Deployer", "Makes revisions live and starts runs. For a pipeline."),
    ("read-only", "Read only", "Sees agents, runs, connections and spend. For dashboards."),
    ("admin", "Administrator", "Everything an administrator may do, people and keys included."),
)
# A choice of the form needs a word: browsers take an empty one for none.
ALL = "all"
# No account is called so: the slug of an account is longer than nothing and has no stroke.
MINE = "-"
EXPIRIES: tuple[tuple[str, str], ...] = (
    ("30", "In 30 days"),
    ("90", "In 90 days"),
    ("365", "In a year"),
    ("never", "Never"),
)
_PRESET_OF: dict[tuple[str, frozenset[str]], str] = {
    (role, frozenset(scopes)): name for name, (role, scopes) in KEY_PRESETS.items()
}
_WORDS: dict[str, str] = {str(action): words for action, words in ACTION_WORDS.items()}


@dataclass(frozen=True, slots=True)
class Line:
    """One key of the list."""

    key: KeyFacts

    @property
    def may(self) -> str:
        """Return what it may do: its preset's name, or how many actions of its role."""
        known = _PRESET_OF.get((self.key.role, frozenset(self.key.scopes)))
        words = {name: title for name, title, _ in PRESET_WORDS}
        if known:
            return words[known]
        return f"{len(self.key.scopes)} of the actions" if self.key.scopes else self.key.role.capitalize()

    @property
    def actions(self) -> list[str]:
        """Return every action it is narrowed to, in words."""
        return [_WORDS.get(scope, scope) for scope in self.key.scopes]

    @property
    def look(self) -> str:
        """Return the state to draw."""
        return self.key.state if self.key.state in LOOKS else "expired"

    @property
    def is_over(self) -> bool:
        """Return whether it lets nobody in any more."""
        return self.key.state != "active"

    @property
    def is_tried(self) -> bool:
        """Return whether somebody tried it, or a secret it had, after its end."""
        return self.key.refused_at is not None

    @property
    def why_suspended(self) -> str:
        """Return why it is refused although nobody ended it."""
        if self.key.state != "suspended":
            return ""
        return "its account is disabled" if self.key.owner_kind == "service_account" else "its member is gone"

    def may_rotate(self, viewer_id: str) -> bool:
        """Return whether the viewer may have a new secret of it: not of another person's own key."""
        return self.key.state in ("active", "expired") and (
            self.key.owner_kind != "member" or self.key.owner_id == viewer_id
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """A key that was made a moment ago. It is on this one answer, and nowhere else."""

    key: str
    name: str
    is_rotated: bool
    example: str
    for_agents: str
    old_until: datetime | None


@dataclass(frozen=True, slots=True)
class KeysView:
    """The list. `shown` None: no key was made just now. `expiring`: how many on this page end within 14 days."""

    lines: tuple[Line, ...]
    me: str
    expiring: int
    may_see_accounts: bool
    is_own_only: bool
    account: str
    rotate_ends: tuple[tuple[str, str], ...]
    older: str | None
    is_later_page: bool
    may_manage: bool
    shown: Shown | None
    problem: str


def load(
    session: Session,
    viewer: Principal,
    *,
    cursor: str | None = None,
    account: str = "",
    made: NewKey | None = None,
    is_rotated: bool = False,
    address: str = "",
    problem: str = "",
) -> KeysView:
    """Return one page of the list.

    Args:
        account: the slug of a service account, to show its keys only.
        made: a key that was made or rotated just now.
        address: where this server is reached, for the example; without a slash at the end.

    Raises:
        NotAllowed: the viewer may not see keys.
    """
    page: Page[KeyFacts] = keys(session, viewer, service_account=account or None, cursor=cursor)
    shown = None
    if made is not None:
        key = next((key for key in page.rows if key.id == made.id), None)
        name, until = (key.name, key.old_secret_until) if key else ("", None)
        slug = workspace(session, viewer).slug
        shown = Shown(made.key, name, is_rotated, _example(address, slug), _for_agents(address, slug), until)
    return KeysView(
        lines=tuple(Line(key) for key in page.rows),
        me=viewer.id,
        expiring=sum(key.is_expiring for key in page.rows),
        may_see_accounts=can(viewer, "service_account.read"),
        is_own_only=reach(viewer, "key.read") != "all",
        account=account,
        rotate_ends=(("keep", "As it was"), *EXPIRIES[:-1]),
        older=_older(page.next_cursor, account),
        is_later_page=cursor is not None,
        may_manage=can(viewer, "key.manage"),
        shown=shown,
        problem=problem,
    )


def _older(cursor: str | None, account: str) -> str | None:
    if cursor is None:
        return None
    return f"/settings/keys?cursor={cursor}" + (f"&account={account}" if account else "")


def _example(address: str, slug: str) -> str:
    # From a variable: a key that stands in a command stays in the shell's history.
    return f'curl -H "Authorization: Bearer $SIGNOFF_KEY" \\\n  {address}/v1/{slug}/agents'


def _for_agents(address: str, slug: str) -> str:
    """Return what a coding agent keeps among its MCP servers. It reads the key from the variable."""
    server = {"type": "http", "url": f"{address}/mcp", "headers": {"Authorization": "Bearer ${SIGNOFF_KEY}"}}
    return json.dumps({"mcpServers": {f"signoff-{slug}": server}}, indent=2)


@dataclass(frozen=True, slots=True)
class NewKeyView:
    """The form for a new key, as it was filled in."""

    form: Form
    owners: tuple[tuple[str, str], ...]
    places: tuple[tuple[str, str], ...]
    scopes: tuple[tuple[str, str], ...]
    problem: str
    errors: Mapping[str, Sequence[str]]
    presets: tuple[tuple[str, str, str], ...] = PRESET_WORDS
    expiries: tuple[tuple[str, str], ...] = EXPIRIES


def load_new(
    session: Session,
    viewer: Principal,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> NewKeyView:
    """Return the form.

    Raises:
        NotAllowed: the viewer may not make keys.
    """
    authorize(viewer, "key.manage")
    places = tuple((place.slug, f"{place.name} only") for place in environments(session, viewer))
    scopes = tuple((action, words) for action, words in ACTION_WORDS.items() if reach(viewer, action))
    given = form or Form()
    return NewKeyView(given, _owners(session, viewer), ((ALL, "All of them"), *places), scopes, problem, errors or {})


def _owners(session: Session, viewer: Principal) -> tuple[tuple[str, str], ...]:
    """Return whose the key can be: the viewer's own, or that of an account. Automation stands first."""
    mine = (MINE, "Me: it acts with my rights, and ends when I leave")
    if reach(viewer, "key.manage") != "all" or not can(viewer, "service_account.read"):
        return (mine,)
    accounts = service_accounts(session, viewer, size=200).rows
    return (mine, *((one.slug, f"{one.name} (service account)") for one in accounts if one.state == "active"))
