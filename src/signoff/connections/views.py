"""What readers of this room see. No value of a secret is in any of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signoff.connections.doctor import Diagnosis
from signoff.connections.labels import DEFAULT_LABELS, ToolLabels


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection in a list.

    Args:
        tools_waiting: how many tools are new or changed and wait for a person.
    """

    id: str
    slug: str
    name: str
    kind: str
    state: str
    health: str
    last_error: str | None
    last_error_code: str | None
    diagnosis: Diagnosis | None
    broken_at: datetime | None
    checked_at: datetime | None
    environment_id: str
    environment_slug: str
    version: int
    created_at: datetime
    tools: int
    tools_waiting: int


@dataclass(frozen=True, slots=True)
class ConnectionDetail:
    """A connection whole.

    Args:
        config: placeholders stand in it, never values.
        hosts: where its secrets go.
        secret_names: the secrets the configuration refers to.
        missing_secrets: those of them that were never entered.
    """

    row: ConnectionRow
    config: dict[str, Any]
    hosts: tuple[str, ...]
    secret_names: tuple[str, ...]
    missing_secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolRow:
    """A tool of a connection.

    Args:
        definition: as it was accepted, or as offered when nobody accepted it yet.
        offered: what is on offer now, when that differs from what was accepted.
        suggested_effect: what the hints suggest; nobody is bound by it.
    """

    id: str
    connection_id: str
    name: str
    description: str
    definition: dict[str, Any]
    definition_hash: str
    offered: dict[str, Any] | None
    offered_hash: str | None
    effect: str
    effect_source: str
    suggested_effect: str
    is_idempotent: bool
    state: str
    discovered_at: datetime
    accepted_at: datetime | None
    accepted_by: str | None
    labels: ToolLabels = DEFAULT_LABELS


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A secret without its value.

    Args:
        is_locked: the connection leads elsewhere than when the value was entered; it must be entered again.
        source: where its value is: `built_in`, or the outside store that `reference` names.
        principal: `service` for the workspace's own, `personal` for a login of the member `owner_name`.
        is_owner_gone: the member whose login it is does not belong to the workspace any more.
        is_open_to_all: every agent that lists it may use it, not only the `grants` it was granted to.
    """

    id: str
    name: str
    description: str
    environment_id: str
    environment_slug: str
    connection_id: str
    connection_slug: str
    connection_name: str
    hosts: tuple[str, ...]
    is_locked: bool
    version: int
    created_at: datetime
    rotated_at: datetime | None
    last_used_at: datetime | None
    sensitivity: str
    source: str
    reference: str | None
    principal: str
    owner_id: str | None
    owner_name: str | None
    is_owner_gone: bool
    expires_at: datetime | None
    is_open_to_all: bool
    grants: int


@dataclass(frozen=True, slots=True)
class SecretVersionRow:
    """One version of a secret, without its value. `restored_from` is the version whose value came back with it."""

    version: int
    state: str
    source: str
    reference: str | None
    reason: str
    restored_from: int | None
    created_by: str | None
    created_by_name: str | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SecretGrantRow:
    """An agent that may use a secret."""

    agent_id: str
    agent_slug: str
    agent_name: str
    granted_by_name: str | None
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class SecretUseRow:
    """That a run of an agent's revision read a version, for the first time at `first_at`."""

    run_id: str
    agent_id: str
    agent_name: str
    revision_number: int
    version: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """An agent that names a connection's slot.

    Args:
        in_draft, in_live: where it names it; live means in this connection's environment.
    """

    agent_id: str
    slug: str
    name: str
    in_draft: bool
    in_live: bool


@dataclass(frozen=True, slots=True)
class BoundTool:
    """A tool as the engine and the tool gateway use it. Only one that is `accepted` may be called."""

    definition: dict[str, Any]
    definition_hash: str
    effect: str
    is_idempotent: bool
    state: str


def _no_tools() -> dict[str, BoundTool]:
    return {}


@dataclass(frozen=True, slots=True)
class BoundConnection:
    """The connection that an environment has for a slot. Only one that is `active` may be used."""

    id: str
    slug: str
    kind: str
    config: dict[str, Any]
    version: int
    state: str
    tools: Mapping[str, BoundTool] = field(default_factory=_no_tools)
