"""Identity providers of a workspace: added, changed, switched on and off, confirmed by an owner, removed.

Whoever controls a provider can sign in as any member it is believed about. So an administrator's change takes an
owner's confirmation away, and a provider that makes owners is changed by owners only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.connectors.net import Guard
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotNow, TooMuch
from signoff.kit.sealing import Sealed, Sealer
from signoff.people.access import Principal, authorize, beyond, can, system
from signoff.people.actions.roles import checked_role
from signoff.people.custom_roles import is_known_role
from signoff.people.provider_input import ProviderInput, checked
from signoff.people.providers import PROVIDERS_MAX, SecretPlace, client_secret, provider_row
from signoff.people.roles import PERMISSIONS
from signoff.record import audit
from signoff.tables.identity import Identity, IdentityProvider, SignInAttempt
from signoff.tables.people import SignInSession, Workspace

_ID = re.compile(r"idp_[0-9a-hjkmnp-tv-z]{26}")


def add_provider(
    session: Session,
    principal: Principal,
    sealer: Sealer,
    guard: Guard,
    entered: ProviderInput,
    *,
    provider_id: str = "",
) -> str:
    """Keep a new provider, switched off until somebody has looked at it. Returns its id.

    Args:
        provider_id: an unused id, for a form that shows the redirect address before there is a row; empty makes one.

    Raises:
        Malformed: `errors` names each field that is wrong.
        NotAllowed: it would let somebody in who may do more than the caller; only an owner makes owners.
        NotNow: the id was used before, or this very moment.
        TooMuch: the workspace has as many as it may have.
    """
    authorize(principal, "identity.manage")
    clean = checked(entered, guard, is_new=True)
    lock_workspace(session, principal.workspace_id)
    _nobody_above(session, principal, clean)
    count = select(func.count()).select_from(IdentityProvider)
    if (session.scalar(count.where(IdentityProvider.workspace_id == principal.workspace_id)) or 0) >= PROVIDERS_MAX:
        raise TooMuch(f"A workspace has at most {PROVIDERS_MAX} identity providers. Remove one first.")
    moment, provider_id = clock.now(), _checked_id(session, provider_id)
    sealed = sealer.seal(clean.client_secret, SecretPlace(principal.workspace_id, provider_id, clean.issuer).aad)
    row = IdentityProvider(
        id=provider_id,
        workspace_id=principal.workspace_id,
        **_columns(clean),
        **_sealed_columns(sealed),
        vouched_by=_voucher(principal),
        is_enabled=False,
        created_at=moment,
        changed_at=moment,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        # Of two who send one form at once, or of a workspace that took another's id, one is late.
        raise _form_used() from error
    _note(session, principal, row, "identity_provider.added", {"issuer": row.issuer})
    return row.id


def change_provider(
    session: Session,
    principal: Principal,
    sealer: Sealer,
    guard: Guard,
    provider_id: str,
    entered: ProviderInput,
    *,
    version: int,
) -> None:
    """Change a provider. Another issuer or client is another provider: whom the old one knew is forgotten.

    Args:
        version: of what the caller looked at.

    Raises:
        Malformed: `errors` names each field that is wrong; a new issuer needs the secret again.
        NotAllowed: it lets somebody in who may do more than the caller; only an owner makes owners.
        NotNow: somebody changed it meanwhile.
    """
    row = provider_row(session, principal, provider_id)
    clean = checked(entered, guard, is_new=False)
    lock_workspace(session, principal.workspace_id)
    _nobody_above(session, principal, clean, _roles_of(row))
    is_elsewhere = clean.issuer != row.issuer
    if is_elsewhere and not clean.client_secret:
        # The secret of one provider must never be sent to another.
        sentence = "Enter the client secret again: it is never sent to an issuer it was not entered for."
        raise Malformed(sentence, errors={"client_secret": [sentence]})
    values: dict[str, Any] = _columns(clean)
    changed = sorted(name for name, value in values.items() if getattr(row, name) != value)
    if clean.client_secret:
        sealed = sealer.seal(clean.client_secret, SecretPlace(row.workspace_id, row.id, clean.issuer).aad)
        values |= _sealed_columns(sealed)
        changed.append("client_secret")
    if set(changed) - {"name"} or can(principal, "owner.manage"):
        values["vouched_by"] = _voucher(principal)
    _update(session, row, version, values)
    if "issuer" in changed or "client_id" in changed:
        session.execute(delete(Identity).where(Identity.provider_id == row.id))
        end_sessions(session, row.id)
    _note(session, principal, row, "identity_provider.changed", {"changed": changed})


def switch_provider(session: Session, principal: Principal, provider_id: str, *, is_enabled: bool) -> None:
    """Switch a provider on or off. Off ends every session it opened.

    Raises:
        NotNow: it is the last one of a workspace that is entered through single sign-on only.
    """
    row = provider_row(session, principal, provider_id)
    if row.is_enabled == is_enabled:
        return
    if not is_enabled:
        _keep_a_way_in(session, row)
        end_sessions(session, row.id)
    _update(session, row, row.version, {"is_enabled": is_enabled})
    _note(session, principal, row, f"identity_provider.{'enabled' if is_enabled else 'disabled'}", {})


def vouch_for_provider(session: Session, principal: Principal, provider_id: str, *, version: int) -> None:
    """Let owners sign in through a provider as it stands now. Only an owner says so.

    Args:
        version: of what the owner looked at.
    """
    row = provider_row(session, principal, provider_id)
    if _voucher(principal) is None:
        raise NotAllowed(
            "Only an owner confirms a provider for owners.",
            extra={"required": "owner.manage", "role": principal.role},
        )
    _update(session, row, version, {"vouched_by": principal.id})
    _note(session, principal, row, "identity_provider.vouched", {})


def remove_provider(session: Session, principal: Principal, provider_id: str) -> None:
    """Forget a provider and whom it knows; members stay members. Every session it opened ends.

    Raises:
        NotNow: it is the last one of a workspace that is entered through single sign-on only.
    """
    row = provider_row(session, principal, provider_id)
    _keep_a_way_in(session, row)
    end_sessions(session, row.id)
    # All of it before the audit: whoever signs in at this moment holds what they came by, and waits for the audit.
    for table in (Identity, SignInAttempt):
        session.execute(delete(table).where(table.provider_id == row.id))
    session.delete(row)
    session.flush()
    _note(session, principal, row, "identity_provider.removed", {"issuer": row.issuer})


def seal_client_secrets_anew(session: Session, sealer: Sealer) -> int:
    """Seal with the current master key what an older one holds. Safe to repeat; returns how many.

    Raises:
        Fault: a key that is needed is not among the settings' keys.
    """
    rows = session.scalars(
        select(IdentityProvider)
        .where(IdentityProvider.key_id != sealer.keys.current.id)
        # In the order in which everybody writes to the audits of several workspaces.
        .order_by(IdentityProvider.workspace_id, IdentityProvider.id)
        .with_for_update()
    ).all()
    for row in rows:
        place = SecretPlace(row.workspace_id, row.id, row.issuer)
        sealed = sealer.seal(client_secret(sealer, row), place.aad)
        row.ciphertext, row.nonce, row.key_id = sealed.ciphertext, sealed.nonce, sealed.key_id
        audit.write(
            session,
            workspace_id=row.workspace_id,
            actor=system(row.workspace_id).actor,
            action="identity_provider.sealed_anew",
            object_kind="identity_provider",
            object_id=row.id,
            detail={"key": sealed.key_id},
        )
    session.flush()
    return len(rows)


def end_sessions(session: Session, provider_id: str, person_id: str | None = None) -> None:
    """End the sessions a provider opened: all, or one person's."""
    query = update(SignInSession).where(SignInSession.provider_id == provider_id, SignInSession.revoked_at.is_(None))
    if person_id is not None:
        query = query.where(SignInSession.person_id == person_id)
    session.execute(query.values(revoked_at=clock.now()))


def lock_workspace(session: Session, workspace_id: str) -> Workspace:
    """Return the workspace, held until commit: who counts what is in it and then decides must be alone."""
    return session.scalars(
        select(Workspace)
        .where(Workspace.id == workspace_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _checked_id(session: Session, provider_id: str) -> str:
    if not provider_id:
        return ids.new_id("idp")
    if not _ID.fullmatch(provider_id) or session.get(IdentityProvider, provider_id) is not None:
        raise _form_used()
    return provider_id


def _form_used() -> NotNow:
    return NotNow("This form was sent before, or is not ours. Open a new one.", code="form_used")


def _columns(clean: ProviderInput) -> dict[str, Any]:
    return {
        "name": clean.name,
        "issuer": clean.issuer,
        "client_id": clean.client_id,
        "scopes": list(clean.scopes),
        "email_verified_claim": clean.email_verified_claim,
        "group_claim": clean.group_claim,
        "role_rules": [list(rule) for rule in clean.role_rules],
        "default_role": clean.default_role,
        "makes_members": clean.makes_members,
        "domains": list(clean.domains),
    }


def _sealed_columns(sealed: Sealed) -> dict[str, Any]:
    return {"ciphertext": sealed.ciphertext, "nonce": sealed.nonce, "key_id": sealed.key_id}


def _voucher(principal: Principal) -> str | None:
    return principal.id if can(principal, "owner.manage") else None


def _roles_of(row: IdentityProvider) -> list[str]:
    return [role for role in (*(rule[1] for rule in row.role_rules), row.default_role) if role]


def _nobody_above(session: Session, principal: Principal, clean: ProviderInput, present: Sequence[str] = ()) -> None:
    """Refuse who would gain by it: a provider can say that anybody is a member, or in any group.

    Args:
        present: the roles it gives as it is stored; whoever changes it could take those.
    """
    further = beyond(principal, PERMISSIONS["administrator"], is_theirs=True)
    if further:
        raise NotAllowed(
            "A provider can sign in as any administrator, so it takes all that an administrator may to set one up.",
            extra={"required": sorted(further), "role": principal.role},
        )
    for name, roles in (("role_rules", [role for _, role in clean.role_rules]), ("default_role", [clean.default_role])):
        for role in filter(None, roles):
            try:
                checked_role(session, principal, role)
            except Malformed as refusal:
                raise Malformed(refusal.detail, errors={name: [refusal.detail]}) from refusal
    for role in present:
        if is_known_role(session, principal.workspace_id, role):
            checked_role(session, principal, role)


def _keep_a_way_in(session: Session, row: IdentityProvider) -> None:
    workspace = lock_workspace(session, row.workspace_id)
    others = session.scalar(
        select(func.count())
        .select_from(IdentityProvider)
        .where(
            IdentityProvider.workspace_id == row.workspace_id,
            IdentityProvider.id != row.id,
            IdentityProvider.is_enabled.is_(True),
        )
    )
    if not workspace.is_password_allowed and row.is_enabled and not others:
        raise NotNow(
            "This is the only way in for everybody but owners. Allow passwords again first.", code="last_way_in"
        )


def _update(session: Session, row: IdentityProvider, version: int, values: dict[str, Any]) -> None:
    result = session.execute(
        update(IdentityProvider)
        .where(IdentityProvider.id == row.id, IdentityProvider.version == version)
        .values(**values, version=version + 1, changed_at=clock.now())
    )
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise NotNow("Somebody else changed this identity provider meanwhile. Look again, then decide.")
    session.refresh(row)


def _note(session: Session, principal: Principal, row: IdentityProvider, action: str, detail: dict[str, Any]) -> None:
    audit.note(session, principal, action, "identity_provider", row.id, {"name": row.name, **detail})
