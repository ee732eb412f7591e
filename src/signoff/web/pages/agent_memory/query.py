"""What the pages of an agent's memory show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.memories.actions.migrate import migration_preview
from signoff.memories.facts import EntryDetail, EntryFacts, MemoryState, MigrationPreview
from signoff.memories.places import memory_of_revision
from signoff.memories.queries import entries_page, entry, flagged_count, memory_state
from signoff.memories.states import FATES_TO, Fate, Scope
from signoff.people.access import Principal
from signoff.people.queries import environments
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.forms import Form

FATE_WORDS: dict[Fate, tuple[str, str]] = {
    "keep_as_shared": (
        "Keep them, shared",
        "Every entry stays, and everybody who runs the agent reads it from then on.",
    ),
    "copy_to_each": ("Give each person a copy", "Each member who has run the agent gets a copy of every shared entry."),
    "erase": ("Erase them", "The texts are gone for good. The audit keeps that they were there."),
}
SCOPE_WORDS: dict[str, str] = {"person": "each person's own", "shared": "shared by all"}
_VIEWS = ("all", "mine", "shared", "flagged")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    q: str = ""
    view: str = "all"
    environment: str = ""
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class MemoryView:
    """The list. `scope_now`: what the production revision says; empty when it has no memory."""

    head: AgentHead
    asked: Asked
    rows: Sequence[EntryFacts]
    newer: str
    older: str
    state: MemoryState
    scope_now: str
    flagged: int
    me: str
    places: tuple[tuple[str, str], ...]
    form: Form
    problem: str
    errors: Mapping[str, Sequence[str]]

    @property
    def is_narrowed(self) -> bool:
        """Return whether the list shows less than everything."""
        return bool(self.asked.q or self.asked.environment) or self.asked.view != "all"

    @property
    def may_add(self) -> bool:
        """Return whether the reader may write an entry into what serves production."""
        if self.scope_now == "person":
            return self.head.may_run and bool(self.me)
        return self.scope_now == "shared" and self.head.may_edit

    @property
    def may_move(self) -> bool:
        """Return whether the reader may move the memory to another scope."""
        return self.state.scope is not None and self.head.may_edit and self.head.may_deploy

    @property
    def scope_words(self) -> str:
        """Return whose memory it is, in words."""
        return SCOPE_WORDS.get(self.state.scope or self.scope_now, "")

    def tabs(self, href: str) -> list[tuple[str, str, bool] | tuple[str, str, bool, int, str]]:
        """Return the views as tabs."""
        found: list[tuple[str, str, bool] | tuple[str, str, bool, int, str]] = [
            (f"{href}?view={view}" if view != "all" else href, title, self.asked.view == view)
            for view, title in (("all", "All"), ("mine", "Mine"), ("shared", "Shared"))
        ]
        return [*found, (f"{href}?view=flagged", "To look at", self.asked.view == "flagged", self.flagged, "wait")]


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry: what it says, what it said, and the forms to change it."""

    head: AgentHead
    found: EntryDetail
    form: Form
    problem: str
    errors: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class MoveView:
    """The move to another scope: what would happen, for each way there is. `plans`: of none when it cannot be moved."""

    head: AgentHead
    state: MemoryState
    to: Scope | None
    plans: tuple[tuple[MigrationPreview, str, str], ...]
    form: Form
    problem: str
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def from_words(self) -> str:
        """Return the scope it has, in words."""
        return SCOPE_WORDS.get(self.state.scope or "", "")

    @property
    def to_words(self) -> str:
        """Return the scope it would have, in words."""
        return SCOPE_WORDS.get(self.to or "", "")


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    asked: Asked,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> MemoryView:
    """Return one page of the list; `form` and `errors` are those of something that was refused."""
    head = agent_head(session, viewer, slug, "memory")
    me = viewer.member_id or ""
    view = asked.view if asked.view in _VIEWS else "all"
    asked = Asked(asked.q[:200], view, asked.environment, asked.cursor)
    page = entries_page(
        session, viewer, head.agent.id, q=asked.q, environment=asked.environment or None,
        member={"mine": me or "nobody", "shared": "shared"}.get(view), is_flagged=True if view == "flagged" else None,
        cursor=asked.cursor or None,
    )  # fmt: skip
    serving = next((one.revision_id for one in head.live if one.is_production), None)
    memory = memory_of_revision(session, serving) if serving else None
    return MemoryView(
        head=head,
        asked=asked,
        rows=page.rows,
        newer=_address(head, asked, page.previous_cursor),
        older=_address(head, asked, page.next_cursor),
        state=memory_state(session, viewer, head.agent.id),
        scope_now=memory.scope if memory is not None else "",
        flagged=flagged_count(session, viewer, head.agent.id),
        me=me,
        places=tuple((place.slug, place.name) for place in environments(session, viewer)),
        form=form or Form(),
        problem=problem,
        errors=errors or {},
    )


def load_entry(
    session: Session,
    viewer: Principal,
    slug: str,
    entry_id: str,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> EntryView:
    """Return one entry.

    Raises:
        NotFound: there is none that this viewer may read.
    """
    head = agent_head(session, viewer, slug, "memory")
    found = entry(session, viewer, head.agent.id, entry_id)
    return EntryView(head, found, form or Form(), problem, errors or {})


def load_move(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> MoveView:
    """Return the move to the other scope, counted.

    Raises:
        NotAllowed: it takes whoever may edit and deploy the agent.
    """
    head = agent_head(session, viewer, slug, "memory")
    state = memory_state(session, viewer, head.agent.id)
    to: Scope | None = None if state.scope is None else "person" if state.scope == "shared" else "shared"
    plans: list[tuple[MigrationPreview, str, str]] = []
    for fate in FATES_TO[to] if to is not None else ():
        plan = migration_preview(session, viewer, head.agent.id, to=to or "shared", entries=fate)
        plans.append((plan, *FATE_WORDS[fate]))
    return MoveView(head, state, to, tuple(plans), form or Form(), problem, errors or {})


def _address(head: AgentHead, asked: Asked, cursor: str | None) -> str:
    said = {"q": asked.q, "view": asked.view if asked.view != "all" else "", "environment": asked.environment}
    found = {name: value for name, value in {**said, "cursor": cursor}.items() if value}
    return f"{head.path}/memory?{urlencode(found)}" if cursor else ""
