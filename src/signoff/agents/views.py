"""What this room tells others: plain facts, no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signoff.agents.pauses import PauseFacts
from signoff.agents.states import AgentState


@dataclass(frozen=True, slots=True)
class AgentName:
    """An agent as a filter or a form offers it. `is_ready`: it is active and has a revision to run."""

    id: str
    slug: str
    name: str
    is_ready: bool


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A member, as the owner or backup of an agent."""

    member_id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """One agent. `has_unfrozen_edits`: the draft was saved after the newest revision was frozen. `pause`: the one that
    stands, if it is paused."""

    id: str
    slug: str
    name: str
    description: str
    state: AgentState
    tags: tuple[str, ...]
    owner: PersonFacts | None
    backup: PersonFacts | None
    last_revision: int
    draft_version: int
    draft_updated_at: datetime
    draft_updated_by_name: str
    has_unfrozen_edits: bool
    created_at: datetime
    pause: PauseFacts | None = None


@dataclass(frozen=True, slots=True)
class DraftFacts:
    """The text people edit. `body` may be wrong or incomplete; lint says how. `can_undo`, `can_redo`: there is a text
    to bring back."""

    agent_id: str
    version: int
    body: dict[str, Any]
    updated_by: str
    updated_by_name: str
    updated_at: datetime
    can_undo: bool = False
    can_redo: bool = False


@dataclass(frozen=True, slots=True)
class Retirement:
    """That a revision must not begin to serve any more: who said so, when and why."""

    reason: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """A revision without its content. `retired`: it begins to serve no more, and no new run names it."""

    id: str
    agent_id: str
    number: int
    hash: str
    name: str
    reason: str
    author_id: str
    author_name: str
    created_at: datetime
    retired: Retirement | None = None


@dataclass(frozen=True, slots=True)
class RevisionDetail:
    """A revision with its content, exactly as it was frozen."""

    facts: RevisionFacts
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RefusedSaveFacts:
    """A text that came too late and was kept."""

    id: str
    base_version: int
    body: dict[str, Any]
    author_id: str
    author_name: str
    created_at: datetime
