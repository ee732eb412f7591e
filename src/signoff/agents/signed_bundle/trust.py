"""Whose bundles a workspace takes: its own installation's, and those whose key somebody added by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.agents.signed_bundle.document import Key, Seen, fingerprint
from signoff.connections.signing import public_keys
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.bundles import TrustedKey

OWN = "this installation"
KEYS_MAX = 100
_KEY: TypeAdapter[str] = TypeAdapter(Key)
_NAME: TypeAdapter[str] = TypeAdapter(Seen)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key whose bundles are taken. `id` is None for a key of this installation; `key_id` is the fingerprint."""

    id: str | None
    key_id: str
    public_key: str
    name: str
    is_own: bool
    added_by_name: str | None
    added_at: datetime


def trusted_keys(session: Session, viewer: Principal) -> list[KeyFacts]:
    """Return the keys of this installation, then the added ones. The first is what others need to trust us."""
    authorize(viewer, "agent.read")
    own = [
        KeyFacts(None, fingerprint(key.public_key), key.public_key, OWN, True, None, key.created_at)
        for key in public_keys(session)
    ]
    rows = session.scalars(
        select(TrustedKey).where(TrustedKey.workspace_id == viewer.workspace_id).order_by(TrustedKey.id).limit(KEYS_MAX)
    )
    return own + [
        KeyFacts(row.id, row.key_id, row.public_key, row.name, False, row.added_by_name, row.added_at) for row in rows
    ]


def trusted(session: Session, workspace_id: str) -> dict[str, str]:
    """Return public key → name, of every key whose bundles the workspace takes."""
    rows = session.execute(
        select(TrustedKey.public_key, TrustedKey.name).where(TrustedKey.workspace_id == workspace_id).limit(KEYS_MAX)
    )
    return {row.public_key: row.name for row in rows} | {key.public_key: OWN for key in public_keys(session)}


def trust_key(session: Session, principal: Principal, *, public_key: str, name: str) -> str:
    """Take bundles signed by this key from now on; return the id of the entry.

    Raises:
        NotAllowed: it takes the right to manage the workspace.
        Malformed: it is no key, or the name cannot be shown as it is.
        NotNow: it is trusted already, or there are too many.
    """
    authorize(principal, "workspace.manage")
    try:
        key, name = _KEY.validate_python(public_key.strip()), _NAME.validate_python(name.strip())
    except ValidationError as error:
        raise Malformed(
            "A key is 32 bytes in base64, as `signoff bundle keys` prints it; its name is a text of at most 200 "
            f"characters. {error.errors()[0]['msg']}.",
            errors={"public_key": ["32 bytes in base64"]},
            code="bad_key",
        ) from None
    known = trusted(session, principal.workspace_id)
    if key in known:
        raise NotNow(f"This key is trusted already, as {known[key]}.", code="key_trusted")
    if len(known) >= KEYS_MAX:
        raise NotNow(f"A workspace trusts at most {KEYS_MAX} keys. Take one away first.", code="too_many_keys")
    row = TrustedKey(
        id=ids.new_id("tky"), workspace_id=principal.workspace_id, public_key=key, key_id=fingerprint(key),
        name=name or fingerprint(key), added_by=principal.id, added_by_name=principal.name, added_at=clock.now(),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise NotNow("This key is trusted already.", code="key_trusted") from None
    _note(session, principal, row, "bundle.key_trusted")
    return row.id


def distrust_key(session: Session, principal: Principal, key: str) -> None:
    """Take no more bundles of a key (its id, or its fingerprint). What was imported before stays.

    Raises:
        NotFound: no such key was added here.
    """
    authorize(principal, "workspace.manage")
    by = TrustedKey.id == key if key.startswith("tky_") else TrustedKey.key_id == key
    row = session.scalar(select(TrustedKey).where(TrustedKey.workspace_id == principal.workspace_id, by))
    if row is None:
        raise NotFound("No such key is trusted in this workspace. `signoff bundle keys` lists them.")
    gone = session.execute(delete(TrustedKey).where(TrustedKey.id == row.id).returning(TrustedKey.id)).all()
    if gone:
        _note(session, principal, row, "bundle.key_distrusted")


def _note(session: Session, principal: Principal, row: TrustedKey, action: str) -> None:
    detail = {"key": row.key_id, "name": row.name, "public_key": row.public_key}
    audit.note(session, principal, action, "workspace", principal.workspace_id, detail)
