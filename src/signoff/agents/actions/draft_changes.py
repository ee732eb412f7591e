"""What every change of a draft does: the check of its version, the row that lets it be undone, the audit, the wake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from signoff.agents.actions.noted import note
from signoff.agents.draft_saves import watched_as
from signoff.agents.refusals import StaleDraft
from signoff.agents.states import SaveKind
from signoff.kit import clock
from signoff.kit.canonical import canonical_json
from signoff.people.access import Principal
from signoff.record.wakes import wake_after_commit
from signoff.tables.agents import Agent, Draft, DraftSave

# Of one agent, whichever is reached first. The version at hand and the one before it are kept however long they are.
SAVES_MAX = 200
SAVES_CHARS_MAX = 5_000_000
_SAVES_MIN = 2
# Of one draft between two revisions.
WRITERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Change:
    """What a draft becomes. `undo_to` None: undoing brings back what it was before the change."""

    kind: SaveKind
    body: dict[str, Any]
    undo_to: int | None = None
    redo_to: int | None = None
    revision: int | None = None
    goes_back: bool = False
    """It was undone: what can be undone next is `undo_to`, also when that is nothing."""


def locked_draft(session: Session, agent: Agent) -> Draft:
    """Return the draft; who else would change it waits."""
    return session.get_one(Draft, agent.id, populate_existing=True, with_for_update=True)


def checked_version(agent: Agent, draft: Draft, content: Mapping[str, Any] | None, version: int) -> None:
    """Refuse when somebody saved since `version` was opened."""
    if draft.version != version:
        raise stale_draft(agent, draft, content, version)


def change_draft(
    session: Session, principal: Principal, agent: Agent, draft: Draft, change: Change, version: int
) -> int:
    """Make the draft that was opened as `version` what `change` says; return the new version.

    Raises:
        StaleDraft: somebody saved since.
    """
    checked_version(agent, draft, change.body, version)
    present_save(session, draft)
    values = {
        "version": version + 1, "body": change.body, "updated_by": principal.id, "updated_by_name": principal.name,
        "updated_at": clock.now(), "writers": _with(draft.writers, principal.id),
    }  # fmt: skip
    saved = session.execute(
        update(Draft)
        .where(Draft.agent_id == agent.id, Draft.version == version)
        .values(**values)
        .returning(Draft.version)
        .execution_options(synchronize_session=False)
    ).all()
    session.refresh(draft)
    if len(saved) != 1:
        raise stale_draft(agent, draft, change.body, version)
    undo_to = change.undo_to if change.goes_back else version
    session.add(save_row(draft, change.kind, undo_to=undo_to, redo_to=change.redo_to, revision=change.revision))
    session.flush()
    _drop_oldest(session, agent.id)
    session.expire(draft)
    named = {} if change.revision is None else {"revision": change.revision}
    note(session, principal, agent, f"agent.draft_{change.kind}", {"version": version + 1, **named})
    wake_after_commit(session, watched_as(agent.id))
    return version + 1


def _with(writers: list[str] | None, who: str) -> list[str]:
    kept = [one for one in writers or [] if one != who]
    return [*kept, who][-WRITERS_MAX:]


def present_save(session: Session, draft: Draft) -> DraftSave:
    """Return the row of the draft's version. One that was saved before there were such rows gets it now."""
    found = session.get(DraftSave, (draft.agent_id, draft.version))
    if found is not None:
        return found
    earlier = session.scalar(select(func.max(DraftSave.version)).where(DraftSave.agent_id == draft.agent_id))
    made = save_row(draft, "saved", undo_to=earlier)
    session.add(made)
    session.flush()
    return made


def save_row(
    draft: Draft, kind: SaveKind, *, undo_to: int | None = None, redo_to: int | None = None, revision: int | None = None
) -> DraftSave:
    """Return the row that keeps what a draft is now."""
    return DraftSave(
        agent_id=draft.agent_id, version=draft.version, workspace_id=draft.workspace_id, kind=kind, body=draft.body,
        chars=len(canonical_json(draft.body)), undo_to=undo_to, redo_to=redo_to, revision=revision,
        author_id=draft.updated_by, author_name=draft.updated_by_name, saved_at=draft.updated_at,
    )  # fmt: skip


def _drop_oldest(session: Session, agent_id: str) -> None:
    sizes = session.execute(
        select(DraftSave.version, DraftSave.chars)
        .where(DraftSave.agent_id == agent_id)
        .order_by(DraftSave.version.desc())
    ).all()
    chars, kept = 0, 0
    for _, size in sizes:
        chars += size
        if kept >= _SAVES_MIN and (kept >= SAVES_MAX or chars > SAVES_CHARS_MAX):
            break
        kept += 1
    if kept == len(sizes):
        return
    session.execute(
        delete(DraftSave)
        .where(DraftSave.agent_id == agent_id, DraftSave.version <= sizes[kept].version)
        .execution_options(synchronize_session=False)
    )


def stale_draft(agent: Agent, draft: Draft, content: Mapping[str, Any] | None, version: int) -> StaleDraft:
    """Return the refusal that carries both texts."""
    return StaleDraft(
        f"{draft.updated_by_name} saved version {draft.version} of {agent.slug} after you opened version {version}. "
        "Compare the two texts, then save again on top of the newer one.",
        extra={
            "current": {
                "version": draft.version,
                "body": draft.body,
                "updated_by": draft.updated_by_name,
                "updated_at": draft.updated_at.isoformat(),
            },
            "yours": None if content is None else {"version": version, "body": dict(content)},
        },
    )
