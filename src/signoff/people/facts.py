"""What this room tells others: plain facts, no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

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
    position: int = 0
    daily_cap_usd: Decimal | None = None


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
    is_second_factor_required: bool = False
    is_password_allowed: bool = True
    suspended_at: datetime | None = None


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
    session_id: str = ""


Need = Literal["code", "enrolment"]


@dataclass(frozen=True, slots=True)
class Pending:
    """The first step is done and the second is not. The token is not a session: it opens the second step only."""

    token: str
    needs: Need


@dataclass(frozen=True, slots=True)
class PendingFacts:
    """Whose second step this is. `needs`: a code, or to set an app up first."""

    id: str
    person_id: str
    name: str
    email: str
    needs: Need
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh API key. `key` is shown once."""

    id: str
    key: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Seen:
    """Whose token this is, and whether the row should note that it was used (at most once a minute).

    `is_first_look`: a person looks into a workspace they were only invited to, and so accepts. `workspace_slug`: of a
    key, the workspace it belongs to.
    """

    principal: Principal
    row_id: str
    is_touch_due: bool
    is_first_look: bool = False
    workspace_slug: str | None = None


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A person in a workspace. `state` is `invited` until they come in for the first time, then `active`.

    `has_sso`: an account at one of the workspace's identity providers is linked to them.
    """

    id: str
    person_id: str
    email: str
    name: str
    role: str
    state: str
    has_password: bool
    has_sso: bool
    created_at: datetime
    has_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """The viewer as a person, in whatever workspace."""

    id: str
    email: str
    name: str
    time_zone: str
    has_single_keys: bool
    has_password: bool


@dataclass(frozen=True, slots=True)
class SecondFactorFacts:
    """Whether a person gives a second factor when signing in, and how many recovery codes they have left."""

    is_on: bool
    confirmed_at: datetime | None
    codes_left: int


@dataclass(frozen=True, slots=True)
class InvitationFacts:
    """The newest one-time link of a member that was not used yet. `mail_error`: why the mail did not go out."""

    purpose: str
    created_at: datetime
    expires_at: datetime
    is_expired: bool
    mailed_at: datetime | None
    mail_error: str | None


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
    method: str = "password"
    is_two_factor: bool = False


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
    run_id: str | None = None
    revision_id: str | None = None
