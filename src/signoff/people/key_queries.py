"""Reads about keys: whose is this one, which are there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import NotSignedIn
from signoff.kit.paging import Page, encode_cursor, page_size, text_cursor
from signoff.people import tokens
from signoff.people.access import Principal, authorize, reach
from signoff.people.facts import KeyFacts, Seen
from signoff.people.key_rows import rows_of_prefix
from signoff.people.membership import principal_of_key_row, refuse_suspended
from signoff.tables.people import ApiKey, Environment, Member, Person, ServiceAccount

_TOUCH = timedelta(seconds=60)
# How long before its end a key is called expiring, on the pages and in an alert.
EXPIRING = timedelta(days=14)


class RevokedKey(NotSignedIn):
    """The key was good once. The audit hears of it; the caller is told the same as with any wrong key."""

    def __init__(self, key_id: str, reason: str = "revoked") -> None:
        super().__init__("This API key is not valid.", code="bad_key")
        self.key_id = key_id
        self.reason = reason


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key with whom it belongs to, as the rows stand."""

    key: ApiKey
    member: Member | None
    person: Person | None
    account: ServiceAccount | None

    @property
    def over(self) -> str | None:
        """Return why the key lets nobody in any more, or None."""
        if self.key.revoked_at is not None:
            return "revoked"
        if self.key.expires_at is not None and self.key.expires_at <= clock.now():
            return "expired"
        if self.key.owner_kind == "member" and (self.member is None or self.member.state != "active"):
            return "owner_removed"
        if self.key.owner_kind == "service_account" and (self.account is None or self.account.state != "active"):
            return "owner_disabled"
        return None

    @property
    def owner_name(self) -> str:
        """Return whose it is."""
        if self.account is not None:
            return self.account.name
        return self.person.name if self.person is not None else self.key.name


def _rows() -> Select[ApiKey, Member, Person, ServiceAccount]:
    is_members = and_(ApiKey.owner_kind == "member", Member.id == ApiKey.owner_id)
    is_accounts = and_(ApiKey.owner_kind == "service_account", ServiceAccount.id == ApiKey.owner_id)
    return (
        select(ApiKey, Member, Person, ServiceAccount)
        .outerjoin(Member, and_(is_members, Member.workspace_id == ApiKey.workspace_id))
        .outerjoin(Person, Person.id == Member.person_id)
        .outerjoin(ServiceAccount, and_(is_accounts, ServiceAccount.workspace_id == ApiKey.workspace_id))
    )


def principal_of_key(session: Session, key: str) -> Seen:
    """Return whose key this is; the whole key is compared, by hash.

    Raises:
        NotSignedIn: it is no key of ours. `RevokedKey` when it once was one.
        WorkspaceSuspended: its workspace is shut.
    """
    prefix = tokens.prefix_of(key)
    if prefix is None:
        raise _no_key()
    found = rows_of_prefix(session, prefix)
    if found is None:
        raise _no_key()
    key_row, workspace, member, person, account = found
    row = KeyRow(key_row, member, person, account)
    over = _why_over(row, prefix, key)
    if over is not None:
        raise RevokedKey(row.key.id, over)
    last = row.key.last_used_at
    is_due = last is None or last + _TOUCH <= clock.now()
    refuse_suspended(workspace)
    principal = principal_of_key_row(session, row.key, row.member, row.person, row.account)
    return Seen(principal, row.key.id, is_due, workspace_slug=workspace.slug)


def principal_of_key_id(session: Session, key_id: str) -> Principal | str:
    """Return the caller a key makes at present, or why it makes none: `revoked`, `expired`, `owner_removed`,
    `owner_disabled`, `gone`."""
    found = session.execute(_rows().where(ApiKey.id == key_id)).first()
    if found is None:
        return "gone"
    row = KeyRow(*found)
    return row.over or principal_of_key_row(session, row.key, row.member, row.person, row.account)


def _why_over(row: KeyRow, prefix: str, key: str) -> str | None:
    is_old = row.key.prefix != prefix
    stored = (row.key.old_key_hash or "") if is_old else row.key.key_hash
    if not tokens.is_same(stored, key):
        raise _no_key()
    if row.over is None and is_old and (row.key.old_until is None or row.key.old_until <= clock.now()):
        return "rotated"
    return row.over


def _no_key() -> NotSignedIn:
    return NotSignedIn("This API key is not valid.", code="bad_key")


def keys(
    session: Session,
    viewer: Principal,
    *,
    service_account: str | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[KeyFacts]:
    """Return API keys of the viewer's workspace, newest first; prefixes only.

    Whoever may see their own only gets those. `service_account`: only the keys of the account with this slug.
    """
    authorize(viewer, "key.read")
    query = (
        _rows()
        .add_columns(Environment.slug)
        .outerjoin(Environment, Environment.id == ApiKey.environment_id)
        .where(ApiKey.workspace_id == viewer.workspace_id)
    )
    if reach(viewer, "key.read") == "own":
        query = query.where(ApiKey.owner_id == viewer.id)
    if viewer.environment_id:
        query = query.where(ApiKey.environment_id == viewer.environment_id)
    if service_account:
        query = query.where(ServiceAccount.slug == service_account)
    if cursor:
        query = query.where(ApiKey.id < text_cursor(cursor))
    count = page_size(size)
    rows = session.execute(query.order_by(ApiKey.id.desc()).limit(count + 1)).all()
    following = encode_cursor(rows[count - 1][0].id) if len(rows) > count else None
    return Page([key_facts(KeyRow(*row[:4]), row[4]) for row in rows[:count]], following)


_STATES = {None: "active", "revoked": "revoked", "expired": "expired"}


def key_facts(row: KeyRow, environment: str | None) -> KeyFacts:
    """Return a row as facts."""
    key, moment = row.key, clock.now()
    over = row.over
    return KeyFacts(
        id=key.id,
        name=key.name,
        prefix=f"so_{key.prefix}_…",
        role=key.role,
        scopes=tuple(str(scope) for scope in key.scopes),
        environment=environment,
        created_by=key.created_by,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        state=_STATES.get(over, "suspended"),
        owner_kind=key.owner_kind,
        owner_id=key.owner_id,
        owner_name=row.owner_name,
        service_account=row.account.slug if row.account else None,
        is_expiring=over is None and key.expires_at is not None and key.expires_at <= moment + EXPIRING,
        last_used_address=key.last_used_address,
        rotated_at=key.rotated_at,
        old_secret_until=key.old_until if over is None and key.old_until and key.old_until > moment else None,
        refused_at=key.refused_at,
        refused_address=key.refused_address,
    )
