"""An account at a provider becomes a signed-in member: linked once, by a verified address, in one workspace only.

Whoever runs a workspace may run its provider too, and can make it say anything. So a provider speaks about this
workspace's members only, the session it opens reaches this workspace only, and it makes nobody an owner by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import NotFound
from signoff.people.access import Principal, authorize
from signoff.people.account import Account, account_of, mapped_role
from signoff.people.actions.attempts import Attempt
from signoff.people.actions.members import is_last_owner, is_last_resort, refuse_beyond
from signoff.people.actions.providers import end_sessions, lock_workspace
from signoff.people.actions.sessions import open_session
from signoff.people.actions.workspaces import person_for
from signoff.people.custom_roles import is_known_role
from signoff.people.facts import SignedIn
from signoff.people.providers import ProviderFacts, facts_of
from signoff.people.roles import ADMINISTRATORS
from signoff.people.sso_refusals import SsoRefused
from signoff.record import audit
from signoff.record.actor import Actor
from signoff.tables.identity import Identity, IdentityProvider
from signoff.tables.people import Member, Person


def sign_in_account(
    session: Session, attempt: Attempt, claims: Mapping[str, Any], *, lifetime_seconds: int, user_agent: str = ""
) -> SignedIn:
    """Open a session for the account that verified `claims` speak of, as the member it is or may become.

    Raises:
        SsoRefused: it is nobody here, or may not come in.
    """
    row = session.get(IdentityProvider, attempt.provider_id)
    if row is None:
        raise SsoRefused("unknown_provider")
    lock_workspace(session, row.workspace_id)
    session.refresh(row)
    if not row.is_enabled or row.issuer != attempt.issuer:
        # It was switched off, or pointed elsewhere, while the person was away.
        raise SsoRefused("provider_disabled")
    provider = facts_of(row)
    account = account_of(claims, provider)
    identity = session.scalar(
        select(Identity).where(Identity.provider_id == provider.id, Identity.subject == account.subject)
    )
    role = (
        mapped_role([(rule.group, rule.role) for rule in provider.role_rules], account.groups) or provider.default_role
    )
    if provider.role_rules and role is None:
        raise SsoRefused("no_role")
    if role is not None and not is_known_role(session, provider.workspace_id, role):
        raise SsoRefused("no_role", f"The role {role} was deleted. Map the group to another one.")
    member = _known(session, identity) if identity else _met(session, provider, account, role)
    if "owner" in (member.role, role) and not provider.is_vouched:
        raise SsoRefused("owner_not_vouched")
    if provider.role_rules and role is not None:
        _give_role(session, provider, member, role)
    _remember(session, provider, account, member, identity)
    return open_session(
        session,
        member.person_id,
        workspace_id=member.workspace_id,
        lifetime_seconds=lifetime_seconds,
        user_agent=user_agent,
        how="sso",
        method="sso",
        provider_id=provider.id,
    )


def unlink_identity(session: Session, principal: Principal, identity_id: str) -> None:
    """Forget that an account is a member. Sessions it opened end; the next sign-in links by address again.

    Raises:
        NotAllowed: it is a member's who may do more than the caller.
    """
    authorize(principal, "identity.manage")
    identity = session.scalar(
        select(Identity).where(Identity.id == identity_id, Identity.workspace_id == principal.workspace_id)
    )
    if identity is None:
        raise NotFound("There is no such linked account in this workspace.")
    member = _member(session, identity.workspace_id, identity.person_id)
    if member is not None:
        refuse_beyond(session, principal, member)
    end_sessions(session, identity.provider_id, identity.person_id)
    session.execute(delete(Identity).where(Identity.id == identity.id))
    session.expunge(identity)
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="identity.unlinked",
        object_kind="member",
        object_id=member.id if member else identity.person_id,
        detail={"provider": identity.provider_id},
    )


def note_refused(session: Session, provider_id: str, reason: str, about: str) -> None:
    """Write down that a sign-in through a provider was refused, when the provider is known."""
    row = session.get(IdentityProvider, provider_id)
    if row is None:
        return
    audit.write(
        session,
        workspace_id=row.workspace_id,
        actor=_actor(row.id, row.name),
        action="sso.refused",
        object_kind="identity_provider",
        object_id=row.id,
        detail={"reason": reason, "about": about[:500]},
    )


def _known(session: Session, identity: Identity) -> Member:
    member = _member(session, identity.workspace_id, identity.person_id)
    if member is None or member.state != "active":
        raise SsoRefused("member_removed")
    return member


def _met(session: Session, provider: ProviderFacts, account: Account, role: str | None) -> Member:
    """Return the member a new account is by its verified address, made where the provider may make members."""
    if not account.email:
        raise SsoRefused("no_email")
    if not account.is_email_verified:
        raise SsoRefused("email_not_verified")
    person_id = session.scalar(select(Person.id).where(Person.email == account.email))
    member = _member(session, provider.workspace_id, person_id) if person_id else None
    if member is None:
        return _new_member(session, provider, account, role)
    if member.state != "active":
        raise SsoRefused("member_removed")
    other = select(Identity.id).where(Identity.provider_id == provider.id, Identity.person_id == member.person_id)
    if session.scalar(other) is not None:
        # An address that was given to somebody else must not hand its first holder's place on.
        raise SsoRefused("already_linked")
    return member


def _new_member(session: Session, provider: ProviderFacts, account: Account, role: str | None) -> Member:
    if not provider.makes_members:
        raise SsoRefused("not_a_member")
    if account.domain not in provider.domains:
        raise SsoRefused("domain_not_allowed")
    if role is None:
        raise SsoRefused("no_role")
    if role == "owner" and not provider.is_vouched:
        raise SsoRefused("owner_not_vouched")
    member = Member(
        id=ids.new_id("mem"),
        workspace_id=provider.workspace_id,
        person_id=person_for(session, account.email, account.name),
        role=role,
        created_at=clock.now(),
    )
    session.add(member)
    session.flush()
    _note(session, provider, "member.added", member.id, {"role": role, "how": "sso"})
    return member


def _give_role(session: Session, provider: ProviderFacts, member: Member, role: str) -> None:
    """Let the groups decide, but take no owner's place whom they did not make, nor the last owner's.

    The owner of last resort stays an administrator: nobody else could act in an emergency.
    """
    if member.role == role:
        return
    decides_owners = any(rule.role == "owner" for rule in provider.role_rules)
    if member.role == "owner" and (not decides_owners or is_last_owner(session, member)):
        return
    if role not in ADMINISTRATORS and is_last_resort(session, member):
        return
    before, member.role = member.role, role
    session.flush()
    _note(session, provider, "member.role_changed", member.id, {"role": role, "before": before, "how": "sso"})


def _remember(
    session: Session, provider: ProviderFacts, account: Account, member: Member, identity: Identity | None
) -> None:
    moment = clock.now()
    if identity is not None:
        identity.last_used_at = moment
        identity.email = account.email or identity.email
        session.flush()
        return
    session.add(
        Identity(
            id=ids.new_id("idn"),
            workspace_id=provider.workspace_id,
            provider_id=provider.id,
            person_id=member.person_id,
            subject=account.subject,
            email=account.email,
            created_at=moment,
            last_used_at=moment,
        )
    )
    session.flush()
    _note(session, provider, "identity.linked", member.id, {"provider": provider.id})


def _member(session: Session, workspace_id: str, person_id: str) -> Member | None:
    return session.scalar(select(Member).where(Member.workspace_id == workspace_id, Member.person_id == person_id))


def _actor(provider_id: str, name: str) -> Actor:
    return Actor("system", provider_id, f"Single sign-on: {name}"[:200])


def _note(session: Session, provider: ProviderFacts, action: str, member_id: str, detail: dict[str, Any]) -> None:
    audit.write(
        session,
        workspace_id=provider.workspace_id,
        actor=_actor(provider.id, provider.name),
        action=action,
        object_kind="member",
        object_id=member_id,
        detail=detail,
    )
