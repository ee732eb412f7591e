"""What this room tells others: plain facts, no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from signoff.people.access import Principal


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """An environment of a workspace."""

    id: str
    slug: str
    name: str
    is_production: bool


@dataclass(frozen=True, slots=True)
class WorkspaceFacts:
    """A workspace; `daily_cap_usd` None means no daily limit."""

    id: str
    slug: str
    name: str
    time_zone: str
    daily_cap_usd: Decimal | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Founded:
    """A new workspace, its owner, and its environments by slug."""

    workspace_id: str
    member_id: str
    person_id: str
    environments: dict[str, str]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session. The token goes into the cookie and is not kept anywhere else."""

    session_token: str
    principal: Principal
    workspace_slug: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh API key. `key` is shown once."""

    id: str
    key: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Seen:
    """Whose token this is, and whether the row should note that it was used (at most once a minute)."""

    principal: Principal
    row_id: str
    is_touch_due: bool


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A person in a workspace. `has_sso`: an account at one of its identity providers is linked to them."""

    id: str
    person_id: str
    email: str
    name: str
    role: str
    state: str
    has_password: bool
    has_sso: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key as it may be shown: its prefix, never more."""

    id: str
    name: str
    prefix: str
    role: str
    scopes: tuple[str, ...]
    environment: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A signed-in browser of one person."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """One row of the audit chain."""

    id: str
    seq: int
    at: datetime
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    object_kind: str
    object_id: str
    detail: dict[str, Any]
    previous_hash: str
    hash: str
