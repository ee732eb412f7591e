"""The verbs of this room, by what they change."""

from __future__ import annotations

from signoff.people.actions.environments import (
    change_environment,
    create_environment,
    delete_environment,
    move_environment,
)
from signoff.people.actions.instance import (
    create_workspace,
    resume_workspace,
    set_instance_administrator,
    suspend_workspace,
)
from signoff.people.actions.keys import create_key, note_key_used, note_revoked_key_used, revoke_key, rotate_key
from signoff.people.actions.members import add_member, remove_member, set_role
from signoff.people.actions.sessions import (
    note_session_seen,
    open_session,
    revoke_session,
    set_password,
    sign_out,
    sweep_sessions,
)
from signoff.people.actions.setup_links import create_setup_link, redeem_setup_link
from signoff.people.actions.workspaces import change_workspace, found_workspace

__all__ = [
    "add_member",
    "change_environment",
    "change_workspace",
    "create_environment",
    "create_key",
    "create_setup_link",
    "create_workspace",
    "delete_environment",
    "found_workspace",
    "move_environment",
    "note_key_used",
    "note_revoked_key_used",
    "note_session_seen",
    "open_session",
    "redeem_setup_link",
    "remove_member",
    "resume_workspace",
    "revoke_key",
    "revoke_session",
    "rotate_key",
    "set_instance_administrator",
    "set_password",
    "set_role",
    "sign_out",
    "suspend_workspace",
    "sweep_sessions",
]
