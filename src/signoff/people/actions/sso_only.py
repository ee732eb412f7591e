"""The switch that closes a workspace to passwords, except an owner's."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotNow
from signoff.people.access import Principal, authorize
from signoff.people.actions.providers import lock_workspace
from signoff.record import audit
from signoff.tables.identity import Identity, IdentityProvider
from signoff.tables.people import Member, Person


def set_sso_only(session: Session, principal: Principal, *, is_on: bool) -> None:
    """Let members in through single sign-on only, or through passwords again. It holds from the next request on.

    Raises:
        NotNow: nobody has come in through an enabled provider yet, or no owner has a password for the day it fails.
    """
    authorize(principal, "identity.manage")
    workspace = lock_workspace(session, principal.workspace_id)
    if workspace.is_sso_only == is_on:
        return
    if is_on:
        _check_ways_in(session, workspace.id)
    workspace.is_sso_only = is_on
    session.flush()
    audit.write(
        session,
        workspace_id=workspace.id,
        actor=principal.actor,
        action="workspace.sso_only_changed",
        object_kind="workspace",
        object_id=workspace.id,
        detail={"is_on": is_on},
    )


def _check_ways_in(session: Session, workspace_id: str) -> None:
    proven = session.scalar(
        select(Identity.id)
        .join(IdentityProvider, IdentityProvider.id == Identity.provider_id)
        .where(IdentityProvider.workspace_id == workspace_id, IdentityProvider.is_enabled.is_(True))
        .limit(1)
    )
    if proven is None:
        raise NotNow(
            "Nobody has signed in through an identity provider of this workspace yet. Try it in another browser first.",
            code="sso_not_proven",
        )
    spare = session.scalar(
        select(Member.id)
        .join(Person, Person.id == Member.person_id)
        .where(
            Member.workspace_id == workspace_id,
            Member.role == "owner",
            Member.state == "active",
            Person.password_hash.is_not(None),
        )
        .limit(1)
    )
    if spare is None:
        raise NotNow(
            "No owner has a password, so nobody could repair single sign-on when it fails. Give an owner one first.",
            code="no_spare_way_in",
        )
