"""Saving the draft. A save that comes too late is refused, and both texts are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from signoff.agents.actions.noted import note
from signoff.agents.body import Body
from signoff.agents.limits import plain_draft
from signoff.agents.lookup import agent_for
from signoff.agents.refusals import StaleDraft
from signoff.agents.revisions import find_revision
from signoff.kit import clock, ids
from signoff.kit.canonical import canonical_json
from signoff.people.access import Principal
from signoff.tables.agents import Agent, Draft, RefusedSave
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
    draft = session.get_one(Draft, agent.id, populate_existing=True)
    if canonical_json(draft.body) == canonical_json(content):
        return draft.version
    saved = session.execute(
        update(Draft)
        .where(Draft.agent_id == agent.id, Draft.version == version)
        .values(
            version=version + 1,
            body=content,
            updated_by=principal.id,
            updated_by_name=principal.name,
            updated_at=clock.now(),
        )
        .returning(Draft.version)
        .execution_options(synchronize_session=False)
    ).all()
    if len(saved) != 1:
        session.refresh(draft)
        raise stale_draft(agent, draft, content, version)
    session.expire(draft)
    note(session, principal, agent, "agent.draft_saved", {"version": version + 1})
    return version + 1


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


def reset_draft(session: Session, principal: Principal, agent_id: str, *, revision: int | str, version: int) -> int:
    """Make the draft equal to a revision again; return the new version.

    Raises:
        StaleDraft: somebody saved since `version` was opened.
    """
    agent = agent_for(session, principal, agent_id, "agent.edit")
    return save_draft(session, principal, agent.id, body=find_revision(session, agent, revision).body, version=version)
