"""What this room tells others: plain facts, no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from signoff.memories.states import Fate, Label, Scope, WrittenBy


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """One entry. `member_id` is None for what everybody shares; `flag` says why it reads like a rule.

    `run_id`, `step_key` and `revision_number` say where its first text was written; a person's has none.
    """

    id: str
    agent_id: str
    environment_id: str
    environment: str
    member_id: str | None
    member_name: str | None
    text: str
    label: Label
    source: WrittenBy
    flag: str
    reviewed_at: datetime | None
    reviewed_by_name: str | None
    version: int
    run_id: str | None
    step_key: str | None
    revision_id: str | None
    revision_number: int | None
    written_by_name: str
    created_at: datetime
    changed_at: datetime
    can_edit: bool

    @property
    def is_flagged(self) -> bool:
        """Return whether somebody still has to look at it."""
        return bool(self.flag) and self.reviewed_at is None


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """One text an entry had, and who gave it that."""

    number: int
    text: str
    label: Label
    source: WrittenBy
    by_name: str
    run_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class EntryDetail:
    """An entry and its texts, the newest first; at most 100 of them."""

    entry: EntryFacts
    versions: list[VersionFacts]


@dataclass(frozen=True, slots=True)
class MemoryState:
    """What memory an agent has. `scope` is the fixed one; None until a production run has had memory."""

    agent_id: str
    scope: Scope | None
    fixed_at: datetime | None
    fixed_by_name: str | None


@dataclass(frozen=True, slots=True)
class MigrationPreview:
    """What a migration would do: entries there are, copies it makes, entries it erases, and for how many people."""

    agent_id: str
    from_scope: Scope
    to: Scope
    entries: Fate
    entries_now: int
    entries_kept: int
    copies_made: int
    entries_erased: int
    people: int


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as an agent gets it."""

    id: str
    text: str
    label: Label
    source: WrittenBy
    flag: str
    written_at: datetime
    run_id: str | None
