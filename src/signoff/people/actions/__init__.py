"""The verbs of this room, by what they change."""

from __future__ import annotations

from signoff.people.actions.environments import (
    change_environment,
    create_environment,
    delete_environment,
    move_environment,
    set_deploy_rules,
)
from signoff.people.actions.instance import (
    create_workspace,
    resume_workspace,
    set_instance_administrator,
    suspend_workspace,
)
from signoff.people.actions.key_rotation import end_overlap, rotate_key
from signoff.people.actions.key_uses import note_key_used, note_revoked_key_used
from signoff.people.actions.keys import create_key, revoke_key
from signoff.people.actions.members import add_member, name_last_resort, remove_member, set_role
from signoff.people.actions.profile import change_profile, set_sign_in_rules
from signoff.people.actions.roles import create_role, delete_role, edit_role
from signoff.people.actions.second_factors import reset_second_factor, seal_second_factors_anew
from signoff.people.actions.service_accounts import (
    change_service_account,
    create_service_account,
    delete_service_account,
    disable_service_account,
    enable_service_account,
)
from signoff.people.actions.sessions import (
    accept_by_looking,
    note_session_seen,
    open_session,
    revoke_every_session,
    revoke_session,
    set_password,
    sign_out,
    sweep_sessions,
)
from signoff.people.actions.setup_links import create_setup_link
from signoff.people.actions.workspaces import change_workspace, found_workspace

__all__ = [
    "accept_by_looking",
    "add_member",
    "change_environment",
    "change_profile",
    "change_service_account",
    "change_workspace",
    "create_environment",
    "create_key",
    "create_role",
    "create_service_account",
    "create_setup_link",
    "create_workspace",
    "delete_environment",
    "delete_role",
    "delete_service_account",
    "disable_service_account",
    "edit_role",
    "enable_service_account",
    "end_overlap",
    "found_workspace",
    "move_environment",
    "name_last_resort",
    "note_key_used",
    "note_revoked_key_used",
    "note_session_seen",
    "open_session",
    "remove_member",
    "reset_second_factor",
    "resume_workspace",
    "revoke_every_session",
    "revoke_key",
    "revoke_session",
    "rotate_key",
    "seal_second_factors_anew",
    "set_deploy_rules",
    "set_instance_administrator",
    "set_password",
    "set_role",
    "set_sign_in_rules",
    "sign_out",
    "suspend_workspace",
    "sweep_sessions",
]
