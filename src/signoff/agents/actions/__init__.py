"""The verbs of agents: everything that changes this room."""

from __future__ import annotations

from signoff.agents.actions.agents import KEEP, Keep, create_agent, disable_agent, edit_agent, enable_agent
from signoff.agents.actions.drafts import keep_refused_save, reset_draft, save_draft, save_draft_or_keep
from signoff.agents.actions.grants import give_grant, take_grant
from signoff.agents.actions.handovers import (
    HandedOver,
    cancel_handover,
    hand_over_member,
    move_secrets,
    plan_session,
    start_handover,
)
from signoff.agents.actions.owners import accept_ownership, ask_owner, decline_ownership, withdraw_owner
from signoff.agents.actions.pauses import RESUMED, pause_agent, resume_agent
from signoff.agents.actions.revisions import freeze_revision
from signoff.agents.actions.undoing import redo_draft, undo_draft

__all__ = [
    "KEEP",
    "RESUMED",
    "HandedOver",
    "Keep",
    "accept_ownership",
    "ask_owner",
    "cancel_handover",
    "create_agent",
    "decline_ownership",
    "disable_agent",
    "edit_agent",
    "enable_agent",
    "freeze_revision",
    "give_grant",
    "hand_over_member",
    "keep_refused_save",
    "move_secrets",
    "pause_agent",
    "plan_session",
    "redo_draft",
    "reset_draft",
    "resume_agent",
    "save_draft",
    "save_draft_or_keep",
    "start_handover",
    "take_grant",
    "undo_draft",
    "withdraw_owner",
]
