"""API keys: made, revoked. A key never reaches further than who made it, nor further than whom it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.people import tokens
from signoff.people.access import Principal, authorize, can
from signoff.people.actions.roles import checked_role
from signoff.people.custom_roles import permissions_of
from signoff.people.emails import clean_name
from signoff.people.facts import NewKey
from signoff.people.key_owners import KeyOwner, owner_for
from signoff.people.key_scopes import chosen_scopes, fit_owner, preset_of, stay_within
from signoff.record import audit
from signoff.tables.people import ApiKey, Environment, Workspace

# How many living keys one owner has at most. Whoever needs more wants more accounts.
KEYS_PER_OWNER_MAX = 100


def create_key(
    session: Session,
    principal: Principal,
    *,
    name: str,
    preset: str = "runner",
    role: str | None = None,
    scopes: Sequence[str] | None = None,
    environment: str | None = None,
    expires_at: datetime | None = None,
    service_account: str | None = None,
) -> NewKey:
    """Make a key.

    Args:
        scopes: fewer actions than the preset's.
        environment: a slug; binds the key to that environment.
        service_account: the slug of the account it belongs to. None: it belongs to the caller.

    Args:
        role: a role of the workspace that the key carries, instead of a preset.

    Raises:
        Malformed: an unknown preset, role, scope, environment or account, or an expiry in the past.
        NotAllowed: the key would reach further than the caller, or than whom it belongs to.
        NotNow: the owner has too many keys, or the account is disabled.
    """
    authorize(principal, "key.manage")
    if role is not None:
        # Whoever deletes the role in this moment waits, and finds this key.
        session.execute(select(Workspace.id).where(Workspace.id == principal.workspace_id).with_for_update())
    word, allowed = preset_of(preset) if role is None else (checked_role(session, principal, role), ())
    permissions = permissions_of(session, principal.workspace_id, word)
    chosen = chosen_scopes(scopes, permissions, allowed)
    owner = owner_for(session, principal, service_account)
    environment_id = _environment(session, principal, environment, owner)
    stay_within(principal, owner.id, permissions, chosen, environment_id)
    fit_owner(owner, permissions, chosen, environment_id)
    is_future(expires_at)
    _not_too_many(session, owner)
    prefix, key = tokens.new_key()
    row = ApiKey(
        id=ids.new_id("key"),
        workspace_id=principal.workspace_id,
        environment_id=environment_id,
        owner_kind=owner.kind,
        owner_id=owner.id,
        name=clean_name(name),
        prefix=prefix,
        key_hash=tokens.hash_of(key),
        role=word,
        scopes=list(chosen),
        created_by=principal.id,
        created_at=clock.now(),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    made_as = {"preset": preset} if role is None else {"role": word}
    note(session, principal, "key.created", row, {**made_as, "scopes": list(chosen), "owner": owner.id})
    return NewKey(row.id, key, prefix)


def is_future(moment: datetime | None) -> None:
    """Refuse an expiry that has passed.

    Raises:
        Malformed: it has.
    """
    if moment is not None and moment <= clock.now():
        raise Malformed("The key would have expired already.", errors={"expires_at": ["a moment in the future"]})


def _environment(session: Session, principal: Principal, slug: str | None, owner: KeyOwner) -> str | None:
    bound = principal.environment_id or owner.environment_id
    if slug is None:
        return bound
    found = session.scalar(
        select(Environment.id).where(Environment.workspace_id == principal.workspace_id, Environment.slug == slug)
    )
    if found is None:
        raise Malformed(f"There is no environment {slug[:80]!r}.", errors={"environment": ["unknown"]})
    if owner.environment_id and found != owner.environment_id:
        raise Malformed(
            f"{owner.name} is bound to another environment than {slug[:80]!r}.",
            errors={"environment": ["the account's own, or none"]},
        )
    return found


def _not_too_many(session: Session, owner: KeyOwner) -> None:
    alive = session.scalar(
        select(func.count())
        .select_from(ApiKey)
        .where(ApiKey.owner_id == owner.id, ApiKey.revoked_at.is_(None))
        .where(or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now()))
    )
    if (alive or 0) >= KEYS_PER_OWNER_MAX:
        raise NotNow(
            f"{owner.name} has {KEYS_PER_OWNER_MAX} keys already. Revoke what is no longer used.", code="too_many_keys"
        )


def revoke_key(session: Session, principal: Principal, key_id: str) -> None:
    """End a key, from the next request on; a secret that was to live on beside a new one ends as well.

    Revoking twice is no error.
    """
    row = key_of(session, principal, key_id)
    if row.revoked_at is None:
        end_key(session, principal, row)


def end_key(session: Session, principal: Principal, row: ApiKey, **detail: str) -> None:
    """End a key whose owner ends, or that is revoked: for this room's actions, which have asked already."""
    row.revoked_at = clock.now()
    session.flush()
    note(session, principal, "key.revoked", row, detail)


def key_of(session: Session, principal: Principal, key_id: str) -> ApiKey:
    """Return a key that the caller may manage.

    Raises:
        NotFound: it is another workspace's, or bound to another environment, or the caller manages only their own.
    """
    authorize(principal, "key.manage")
    row = session.scalar(select(ApiKey).where(ApiKey.id == key_id, ApiKey.workspace_id == principal.workspace_id))
    if row is None or (principal.environment_id and row.environment_id != principal.environment_id):
        raise NotFound("There is no such key in this workspace.")
    if not can(principal, "key.manage", owners=(row.owner_id,)):
        raise NotFound("There is no such key in this workspace.")  # A colleague's is told like none.
    return row


def note(session: Session, principal: Principal, action: str, row: ApiKey, detail: dict[str, Any]) -> None:
    """Write into the audit what happened to a key: its name and prefix, never more of it."""
    audit.write(
        session,
        workspace_id=row.workspace_id,
        actor=principal.actor,
        action=action,
        object_kind="key",
        object_id=row.id,
        detail={"name": row.name, "prefix": row.prefix, **detail},
    )
