"""What this room tells others: plain facts, no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LiveFacts:
    """What serves an agent in one environment."""

    agent_id: str
    environment_id: str
    environment: str
    is_production: bool
    revision_id: str
    revision_number: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """One switch of the live revision. `is_rollback`: it went to an older revision than the one before."""

    id: str
    agent_id: str
    environment_id: str
    environment: str
    revision_id: str
    revision_number: int
    previous_revision_id: str | None
    previous_number: int | None
    is_rollback: bool
    actor_id: str
    actor_name: str
    reason: str
    created_at: datetime
