"""What queries of runs return: frozen, plain, already decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in a list. Field names are the columns' of `tables/runs.py`."""

    id: str
    environment_id: str
    agent_id: str
    agent_slug: str
    agent_name: str
    revision_id: str
    revision_number: int
    state: str
    waiting_for: str | None
    resume_at: datetime | None
    code: str | None
    reason: str | None
    failed_step: str | None
    needs_attention: bool
    is_cancel_requested: bool
    leg: int
    origin: str
    source: str
    mode: str
    replay_of: str | None
    external_id: str | None
    requested_by: str
    requested_by_name: str
    title: str
    is_scripted: bool
    is_truncated: bool
    is_price_unknown: bool
    cost_usd: Decimal
    tokens_in: int
    tokens_out: int
    model_calls: int
    tool_calls: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    deadline_at: datetime | None
    # Of a run that another one asked for; and how many runs it asked for itself. Its cost is without theirs.
    parent_run_id: str | None
    root_run_id: str | None
    depth: int
    child_runs: int


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """One run of a family: what it cost itself, and with all that came of it."""

    id: str
    parent_run_id: str | None
    depth: int
    agent_slug: str
    agent_name: str
    revision_number: int
    state: str
    waiting_for: str | None
    reason: str | None
    title: str
    cost_usd: Decimal
    cost_with_children_usd: Decimal
    tokens: int
    tokens_with_children: int
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class FamilyView:
    """A run that nobody's call made, with all that came of it: each followed by what it asked for."""

    root_id: str
    runs: Sequence[FamilyRow]
    cost_usd: Decimal
    failed: int


@dataclass(frozen=True, slots=True)
class LegRow:
    """One leg of a run."""

    number: int
    state: str
    worker: str | None
    holds: Sequence[str]
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One act on the outside world, and whether anybody knows what became of it."""

    key: str
    run_id: str
    agent_slug: str
    run_title: str
    connection_id: str
    call_id: str
    tool: str
    effect: str
    args: Any
    state: str
    result: Any
    reason: str | None
    intended_at: datetime
    ended_at: datetime | None
    settled_by_name: str | None
    settlement: str | None


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with everything its page and its API answer begin with.

    `is_cost_estimated`: part of its cost is an estimate, because an answer did not come or did not say what it used.
    Told once the run is over.
    """

    run: RunRow
    workspace_id: str
    input: Any
    output: Any
    input_key: str | None
    legs: Sequence[LegRow]
    effects: Sequence[EffectRow]
    is_cost_estimated: bool
    can_cancel: bool
    can_acknowledge: bool


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step in the list of a run: no bodies."""

    id: str
    leg: int
    seq: int
    key: str
    kind: str
    name: str
    state: str
    attempts: int
    code: str | None
    reason: str | None
    effect: str | None
    verdicts: Sequence[dict[str, Any]]
    model: str | None
    cost_usd: Decimal | None
    tokens_in: int | None
    tokens_out: int | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepDetail:
    """A step with its bodies. For a model call, what the model was shown: `instructions` (the SOP of the run's
    revision) and `messages`, one page of the conversation before it, oldest first."""

    step: StepRow
    request: Any
    response: Any
    detail: dict[str, Any]
    instructions: str | None
    messages_before: int | None
    messages: Sequence[MessageRow]
    messages_from: int


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message of a run's conversation, as plain JSON."""

    seq: int
    body: Any


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something a watcher of a run is told. Ids only grow."""

    id: int
    run_id: str
    kind: str
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class FailureCluster:
    """Runs that failed in the same way: the same code at the same step."""

    code: str
    failed_step: str | None
    runs: int
    agents: int
    last_at: datetime
    example_id: str
    example_reason: str | None
