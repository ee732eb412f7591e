"""By which way a workspace may be entered. Everything that opens or looks at a session asks here."""

from __future__ import annotations

from signoff.kit.errors import NotAllowed


class SsoRequired(NotAllowed):
    """The workspace is entered through its identity provider only."""


def may_enter(*, is_sso_only: bool, opened_by: str | None, role: str) -> bool:
    """Return whether a session opens this workspace to a member of `role`.

    An owner's password always does: when the provider is down or misconfigured, somebody must get in to repair it.

    Args:
        opened_by: the identity provider that opened the session; None for a password or a one-time link.
    """
    return opened_by is not None or not is_sso_only or role == "owner"


def sso_required(workspace: str) -> SsoRequired:
    """Return the refusal, for somebody who is known and came the other way."""
    return SsoRequired(
        f"{workspace} is entered through single sign-on only. Sign in there again with your organisation's account."
    )
