"""The switch that closes a workspace to passwords, except an owner's: one of its sign-in rules, set by itself."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize
from signoff.people.actions.profile import set_sign_in_rules
from signoff.people.actions.providers import lock_workspace


def set_sso_only(session: Session, principal: Principal, *, is_on: bool) -> None:
    """Let members in through single sign-on only, or through passwords again. It holds from the next request on.

    Raises:
        NotNow: nobody has come in through an enabled provider yet, or no owner has a password for the day it fails.
    """
    authorize(principal, "workspace.manage")
    workspace = lock_workspace(session, principal.workspace_id)
    set_sign_in_rules(
        session,
        principal,
        session_id="",
        is_second_factor_required=workspace.is_second_factor_required,
        is_password_allowed=not is_on,
    )
