"""API keys: made, rotated, revoked. A key never reaches further than who made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people import tokens
from signoff.people.access import Principal, authorize, beyond
from signoff.people.actions.roles import checked_role
from signoff.people.custom_roles import permissions_of
from signoff.people.emails import clean_name
from signoff.people.facts import NewKey
from signoff.people.roles import ACTIONS, KEY_PRESETS, WORKSPACE_WIDE, Action, Reach
from signoff.record import audit
from signoff.tables.people import ApiKey, Environment, Workspace

_USE_NOTED_SECONDS = 60


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
) -> NewKey:
    """Make a key. `scopes` narrow the preset further; `environment` (a slug) binds it to one environment.

    Args:
        role: a role of the workspace that the key carries, instead of a preset.

    Raises:
        Malformed: an unknown preset, role, scope or environment, or an expiry in the past.
        NotAllowed: the key would reach further than the caller.
    """
    authorize(principal, "key.manage")
    if role is not None:
        # Whoever deletes the role in this moment waits, and finds this key.
        session.execute(select(Workspace.id).where(Workspace.id == principal.workspace_id).with_for_update())
    word, allowed = _preset(preset) if role is None else (checked_role(session, principal, role), ())
    permissions = permissions_of(session, principal.workspace_id, word)
    chosen = _scopes(scopes, permissions, allowed)
    environment_id = _environment(session, principal, environment)
    _stay_within(principal, permissions, chosen, environment_id)
    if expires_at is not None and expires_at <= clock.now():
        raise Malformed("The key would have expired already.", errors={"expires_at": ["a moment in the future"]})
    prefix, key = tokens.new_key()
    row = ApiKey(
        id=ids.new_id("key"),
        workspace_id=principal.workspace_id,
        environment_id=environment_id,
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
    _note(session, principal, "key.created", row, {**made_as, "scopes": list(chosen)})
    return NewKey(row.id, key, prefix)


def _preset(preset: str) -> tuple[str, tuple[Action, ...]]:
    found = KEY_PRESETS.get(preset)
    if found is None:
        raise Malformed(f"{preset[:40]!r} is no preset.", errors={"preset": [f"one of: {', '.join(KEY_PRESETS)}"]})
    return found


def _scopes(
    asked: Sequence[str] | None, permissions: Mapping[Action, Reach], allowed: tuple[Action, ...]
) -> tuple[Action, ...]:
    if not asked:
        return allowed
    unknown = sorted({scope[:40] for scope in asked if scope not in ACTIONS})
    if unknown:
        raise Malformed(
            f"Not a scope: {', '.join(unknown)}.", errors={"scopes": [f"only: {', '.join(ACTIONS)}"]}, code="bad_scope"
        )
    within = set(allowed) or set(permissions)
    further = sorted(set(asked) - within)
    if further:
        raise Malformed(
            f"The preset does not include: {', '.join(further)}. Choose a wider preset.", errors={"scopes": further}
        )
    return tuple(action for action in ACTIONS if action in asked)


def _environment(session: Session, principal: Principal, slug: str | None) -> str | None:
    if slug is None:
        return principal.environment_id
    found = session.scalar(
        select(Environment.id).where(Environment.workspace_id == principal.workspace_id, Environment.slug == slug)
    )
    if found is None:
        raise Malformed(f"There is no environment {slug[:80]!r}.", errors={"environment": ["unknown"]})
    return found


def _stay_within(
    principal: Principal, permissions: Mapping[Action, Reach], scopes: tuple[Action, ...], environment_id: str | None
) -> None:
    if principal.environment_id and environment_id != principal.environment_id:
        raise NotAllowed("A key bound to one environment makes keys for that one only.")
    wanted: dict[Action, Reach] = {
        action: far
        for action, far in permissions.items()
        # A key for one environment cannot do what concerns the whole workspace, so it is not asked of who makes it.
        if (not scopes or action in scopes) and not (environment_id and action in WORKSPACE_WIDE)
    }
    further = sorted(beyond(principal, wanted))
    # A key that deploys with an administrator's role does so where only administrators may; see `access.authorize`.
    rules: Action = "environment.manage"
    if "agent.deploy" in wanted and rules in permissions and principal.permissions.get(rules) != "all":
        further.append(rules)
    if further:
        raise NotAllowed(
            f"A key cannot do more than who makes it. Yours does not include: {', '.join(further)}.",
            extra={"required": further},
        )


def rotate_key(session: Session, principal: Principal, key_id: str) -> NewKey:
    """Give a key a new secret. The old one stops working in the same instant; name and rights stay."""
    authorize(principal, "key.manage")
    row = _own_key(session, principal, key_id)
    if row.revoked_at is not None:
        raise NotNow("This key is revoked. Make a new one.", code="key_revoked")
    permissions = permissions_of(session, row.workspace_id, row.role)
    _stay_within(principal, permissions, cast("tuple[Action, ...]", tuple(row.scopes)), row.environment_id)
    prefix, key = tokens.new_key()
    changed = session.execute(
        update(ApiKey)
        .where(ApiKey.id == row.id, ApiKey.key_hash == row.key_hash, ApiKey.revoked_at.is_(None))
        .values(prefix=prefix, key_hash=tokens.hash_of(key), last_used_at=None)
    )
    if getattr(changed, "rowcount", 0) != 1:
        raise NotNow("Somebody rotated or revoked this key a moment ago.", code="key_changed")
    _note(session, principal, "key.rotated", row, {})
    return NewKey(row.id, key, prefix)


def revoke_key(session: Session, principal: Principal, key_id: str) -> None:
    """End a key, from the next request on. Revoking twice is no error."""
    authorize(principal, "key.manage")
    row = _own_key(session, principal, key_id)
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        session.flush()
        _note(session, principal, "key.revoked", row, {})


def _own_key(session: Session, principal: Principal, key_id: str) -> ApiKey:
    row = session.scalar(select(ApiKey).where(ApiKey.id == key_id, ApiKey.workspace_id == principal.workspace_id))
    if row is None or (principal.environment_id and row.environment_id != principal.environment_id):
        raise NotFound("There is no such key in this workspace.")
    return row


def note_key_used(session: Session, key_id: str) -> bool:
    """Note a use, at most once a minute; return whether it was noted."""
    moment = clock.now()
    changed = session.execute(
        update(ApiKey)
        .where(
            ApiKey.id == key_id,
            ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at < moment - timedelta(seconds=_USE_NOTED_SECONDS)),
        )
        .values(last_used_at=moment)
    )
    return getattr(changed, "rowcount", 0) == 1


def note_revoked_key_used(session: Session, key_id: str) -> None:
    """Put the use of a revoked or expired key into the audit, at most once a minute: somebody still has it."""
    row = session.get(ApiKey, key_id)
    if row is None or not note_key_used(session, key_id):
        return
    reason = "revoked" if row.revoked_at else "expired"
    actor = Principal("key", row.id, row.name, row.workspace_id, "viewer")
    _note(session, actor, "key.used_while_revoked", row, {"reason": reason})


def _note(session: Session, principal: Principal, action: str, row: ApiKey, detail: dict[str, Any]) -> None:
    audit.write(
        session,
        workspace_id=row.workspace_id,
        actor=principal.actor,
        action=action,
        object_kind="key",
        object_id=row.id,
        detail={"name": row.name, "prefix": row.prefix, **detail},
    )
