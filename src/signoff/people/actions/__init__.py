"""The verbs of this room, by what they change."""

from __future__ import annotations

from signoff.people.actions.keys import create_key, note_key_used, note_revoked_key_used, revoke_key, rotate_key
from signoff.people.actions.members import add_member, remove_member, set_role
from signoff.people.actions.profile import change_profile, set_sign_in_rules
from signoff.people.actions.second_factors import reset_second_factor, seal_second_factors_anew
from signoff.people.actions.sessions import (
    note_session_seen,
    open_session,
    revoke_every_session,
    revoke_session,
    set_password,
    sign_out,
    sweep_sessions,
)
from signoff.people.actions.setup_links import create_setup_link
from signoff.people.actions.workspaces import found_workspace

__all__ = [
    "add_member",
    "change_profile",
    "create_key",
    "create_setup_link",
    "found_workspace",
    "note_key_used",
    "note_revoked_key_used",
    "note_session_seen",
    "open_session",
    "remove_member",
    "reset_second_factor",
    "revoke_every_session",
    "revoke_key",
    "revoke_session",
    "rotate_key",
    "seal_second_factors_anew",
    "set_password",
    "set_role",
    "set_sign_in_rules",
    "sign_out",
    "sweep_sessions",
]
