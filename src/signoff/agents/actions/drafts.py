"""Saving the draft. A save that comes too late is refused, and both texts are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from signoff.agents.actions.draft_changes import Change, change_draft, checked_version, locked_draft
from signoff.agents.actions.noted import note
from signoff.agents.body import Body
from signoff.agents.limits import plain_draft
from signoff.agents.lookup import agent_for
from signoff.agents.refusals import NothingToResetTo, StaleDraft
from signoff.agents.revisions import find_revision
from signoff.kit import clock, ids
from signoff.kit.canonical import canonical_json
from signoff.people.access import Principal
from signoff.tables.agents import RefusedSave
from signoff.tables.session import Store

# Of one agent. Older ones are dropped: the page shows the newest, and everything has a limit.
REFUSED_SAVES_MAX = 50


def save_draft(
    session: Session, principal: Principal, agent_id: str, *, body: Mapping[str, Any] | Body, version: int
) -> int:
    """Replace the draft that was opened as `version`; return the new version. An equal text changes nothing.

    Raises:
        StaleDraft: somebody saved since. Edges call `save_draft_or_keep`, which also keeps the refused text.
        Malformed: too large, or not JSON.
    """
    agent = agent_for(session, principal, agent_id, "agent.edit")
    content = plain_draft(body)
    draft = locked_draft(session, agent)
    if canonical_json(draft.body) == canonical_json(content):
        return draft.version
    return change_draft(session, principal, agent, draft, Change("saved", content), version)


def keep_refused_save(
    session: Session, principal: Principal, agent_id: str, *, body: Mapping[str, Any] | Body, version: int
) -> str:
    """Keep a text that was refused, so that nobody's work is lost; return its id. An agent keeps its newest 50."""
    agent = agent_for(session, principal, agent_id, "agent.edit")
    row = RefusedSave(
        id=ids.new_id("rsv"),
        workspace_id=agent.workspace_id,
        agent_id=agent.id,
        base_version=version,
        body=plain_draft(body),
        author_id=principal.id,
        author_name=principal.name,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    newest = select(RefusedSave.id).where(RefusedSave.agent_id == agent.id).order_by(RefusedSave.id.desc())
    kept = session.scalars(newest.limit(REFUSED_SAVES_MAX)).all()
    session.execute(delete(RefusedSave).where(RefusedSave.agent_id == agent.id, RefusedSave.id.not_in(kept)))
    note(session, principal, agent, "agent.draft_save_refused", {"version": version, "kept_as": row.id})
    return row.id


def save_draft_or_keep(
    store: Store, principal: Principal, agent_id: str, *, body: Mapping[str, Any] | Body, version: int
) -> int:
    """Save the draft, for the edges. A refused text is kept in a transaction of its own before the refusal goes up.

    Raises:
        StaleDraft: with both texts, and `kept_as`, the id under which the refused one can be found again.
    """
    try:
        with store.write() as session:
            return save_draft(session, principal, agent_id, body=body, version=version)
    except StaleDraft as refusal:
        with store.write() as session:
            kept = keep_refused_save(session, principal, agent_id, body=body, version=version)
        refusal.extra["kept_as"] = kept
        raise


def reset_draft(
    session: Session, principal: Principal, agent_id: str, *, revision: int | str | None = None, version: int
) -> int:
    """Make the draft equal to a revision again; return the new version. It can be undone like a save.

    Args:
        revision: number or id; None is the one frozen last.
        version: the draft that is given up by it, as it was opened.

    Raises:
        StaleDraft: somebody saved since `version` was opened.
        NothingToResetTo: nothing was frozen yet.
    """
    agent = agent_for(session, principal, agent_id, "agent.edit")
    if revision is None and not agent.last_revision:
        raise NothingToResetTo(f"Nothing of {agent.slug} was frozen yet, so there is nothing to go back to.")
    row = find_revision(session, agent, agent.last_revision if revision is None else revision)
    draft = locked_draft(session, agent)
    checked_version(agent, draft, None, version)
    if canonical_json(draft.body) == canonical_json(row.body):
        return version
    return change_draft(session, principal, agent, draft, Change("reset", row.body, revision=row.number), version)
