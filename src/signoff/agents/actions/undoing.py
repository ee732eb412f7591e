"""Undoing and redoing changes of a draft. Each makes a version of its own: nobody overwrites what they did not see."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.agents.actions.draft_changes import Change, change_draft, checked_version, locked_draft, present_save
from signoff.agents.lookup import agent_for
from signoff.agents.refusals import NothingToRedo, NothingToUndo
from signoff.people.access import Principal
from signoff.tables.agents import DraftSave


def undo_draft(session: Session, principal: Principal, agent_id: str, *, version: int) -> int:
    """Bring back the text before the last change of the draft, whoever made it; return the new version.

    Raises:
        StaleDraft: somebody saved since `version` was opened.
        NothingToUndo: no earlier text is kept.
    """
    agent = agent_for(session, principal, agent_id, "agent.edit")
    draft = locked_draft(session, agent)
    checked_version(agent, draft, None, version)
    to = present_save(session, draft).undo_to
    text = None if to is None else session.get(DraftSave, (agent.id, to))
    if text is None:
        raise NothingToUndo(f"No text of {agent.slug} before version {version} is kept, so there is nothing to undo.")
    change = Change("undone", text.body, undo_to=text.undo_to, redo_to=version, goes_back=True)
    return change_draft(session, principal, agent, draft, change, version)


def redo_draft(session: Session, principal: Principal, agent_id: str, *, version: int) -> int:
    """Bring back what was undone last; return the new version.

    Raises:
        StaleDraft: somebody saved since `version` was opened.
        NothingToRedo: nothing was undone since the last save.
    """
    agent = agent_for(session, principal, agent_id, "agent.edit")
    draft = locked_draft(session, agent)
    checked_version(agent, draft, None, version)
    to = present_save(session, draft).redo_to
    text = None if to is None else session.get(DraftSave, (agent.id, to))
    if text is None:
        raise NothingToRedo(f"Nothing of {agent.slug} was undone since version {version} was saved.")
    change = Change("redone", text.body, redo_to=text.redo_to)
    return change_draft(session, principal, agent, draft, change, version)
