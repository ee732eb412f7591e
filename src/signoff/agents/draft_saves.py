"""What is known of the versions of a draft: how each came to be, what can be undone, and that there is a newer one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from signoff.agents.lookup import agent_for
from signoff.agents.states import SaveKind
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.tables.agents import Draft, DraftSave

# As many as are kept of an agent at most.
LISTED_MAX = 200
_earlier, _later = aliased(DraftSave), aliased(DraftSave)


@dataclass(frozen=True, slots=True)
class SaveFacts:
    """One version of a draft, without its text. `revision`: the one it was reset to."""

    version: int
    kind: SaveKind
    revision: int | None
    chars: int
    author_id: str
    author_name: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class SaveDetail:
    """One version of a draft with its text."""

    facts: SaveFacts
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DraftHistory:
    """The versions of a draft that are kept, newest first, and what can be done from the newest."""

    version: int
    can_undo: bool
    can_redo: bool
    saves: tuple[SaveFacts, ...]


@dataclass(frozen=True, slots=True)
class DraftNews:
    """That a draft has this version now, and by whom. Its text is asked for by itself."""

    agent_id: str
    version: int
    kind: SaveKind
    updated_by: str
    updated_by_name: str
    updated_at: datetime


def watched_as(agent_id: str) -> str:
    """Return the name under which watchers of an agent's draft are woken."""
    return f"draft of {agent_id}"


def ways(session: Session, agent_id: str, version: int) -> tuple[bool, bool]:
    """Return whether the draft at `version` can be undone, and redone. One query."""
    row = session.execute(
        select(_earlier.version.is_not(None), _later.version.is_not(None))
        .select_from(DraftSave)
        .outerjoin(_earlier, and_(_earlier.agent_id == agent_id, _earlier.version == DraftSave.undo_to))
        .outerjoin(_later, and_(_later.agent_id == agent_id, _later.version == DraftSave.redo_to))
        .where(DraftSave.agent_id == agent_id, DraftSave.version == version)
    ).first()
    if row is not None:
        return bool(row[0]), bool(row[1])
    # Saved by the release before this one: what is kept before it can be undone to.
    return session.scalar(select(func.max(DraftSave.version)).where(DraftSave.agent_id == agent_id)) is not None, False


def draft_news(session: Session, viewer: Principal, agent: str) -> DraftNews:
    """Return which version the draft has, without its text."""
    found = agent_for(session, viewer, agent, "agent.read")
    kept = and_(DraftSave.agent_id == Draft.agent_id, DraftSave.version == Draft.version)
    row = session.execute(
        select(Draft.version, DraftSave.kind, Draft.updated_by, Draft.updated_by_name, Draft.updated_at)
        .outerjoin(DraftSave, kept)
        .where(Draft.agent_id == found.id)
    ).one()
    kind = cast("SaveKind", row.kind or "saved")
    return DraftNews(found.id, row.version, kind, row.updated_by, row.updated_by_name, row.updated_at)


def draft_versions(session: Session, agent_ids: list[str]) -> dict[str, int]:
    """Return the versions of some drafts, for who looks on behalf of those that may read them."""
    rows = session.execute(select(Draft.agent_id, Draft.version).where(Draft.agent_id.in_(agent_ids)))
    return {row.agent_id: row.version for row in rows}


def draft_history(session: Session, viewer: Principal, agent: str) -> DraftHistory:
    """Return the versions of a draft that are kept, at most the newest 200, without their texts."""
    found = agent_for(session, viewer, agent, "agent.read")
    version = session.scalars(select(Draft.version).where(Draft.agent_id == found.id)).one()
    rows = session.execute(
        select(
            DraftSave.version, DraftSave.kind, DraftSave.revision, DraftSave.chars, DraftSave.author_id,
            DraftSave.author_name, DraftSave.saved_at,
        )
        .where(DraftSave.agent_id == found.id)
        .order_by(DraftSave.version.desc())
        .limit(LISTED_MAX)
    )  # fmt: skip
    return DraftHistory(version, *ways(session, found.id, version), tuple(SaveFacts(*row) for row in rows))


def saved_version(session: Session, viewer: Principal, agent: str, version: int) -> SaveDetail:
    """Return what the draft was at one version.

    Raises:
        NotFound: it is not kept, or there never was one.
    """
    found = agent_for(session, viewer, agent, "agent.read")
    row = session.get(DraftSave, (found.id, version))
    if row is None:
        raise NotFound(f"Version {version} of the draft of {found.slug} is not kept. Its history lists those that are.")
    facts = SaveFacts(
        row.version, cast("SaveKind", row.kind), row.revision, row.chars, row.author_id, row.author_name, row.saved_at
    )
    return SaveDetail(facts, row.body)
