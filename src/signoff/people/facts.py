"""What this room tells others: plain facts, no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from signoff.people.access import Principal


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """An environment of a workspace.

    `is_deploy_restricted`: only administrators and holders of a deploying grant switch what serves here.
    `is_four_eyes`: whoever wrote a revision does not make it live here.
    """

    id: str
    slug: str
    name: str
    is_production: bool
    is_deploy_restricted: bool = False
    is_four_eyes: bool = False


@dataclass(frozen=True, slots=True)
class WorkspaceFacts:
    """A workspace; `daily_cap_usd` None means no daily limit. `last_resort_id`: the member who may take emergency
    action on any agent."""

    id: str
    slug: str
    name: str
    time_zone: str
    daily_cap_usd: Decimal | None
    last_resort_id: str | None
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
    """A person in a workspace."""

    id: str
    person_id: str
    email: str
    name: str
    role: str
    state: str
    has_password: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key as it may be shown: its prefix, never more.

    `state`: active, revoked, expired, or suspended while its owner is disabled or gone. `is_expiring`: it ends within
    14 days. `old_secret_until`: until when the secret before the last rotation is good as well. `refused_at`: when
    somebody last tried it after its end.
    """

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
    owner_kind: str | None
    owner_id: str | None
    owner_name: str
    service_account: str | None
    is_expiring: bool
    last_used_address: str | None
    rotated_at: datetime | None
    old_secret_until: datetime | None
    refused_at: datetime | None
    refused_address: str | None


@dataclass(frozen=True, slots=True)
class ServiceAccountFacts:
    """An account that owns keys. `keys`: how many of them are alive; `last_used_at`: of any of them."""

    id: str
    slug: str
    name: str
    description: str
    role: str
    state: str
    environment: str | None
    contact_id: str | None
    contact_name: str | None
    is_contact_gone: bool
    keys: int
    last_used_at: datetime | None
    created_by_name: str
    created_at: datetime


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
