"""What others are told about requests to people: frozen values, already decided for whoever looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signoff.approvals.states import ApprovalKind, ApprovalState


@dataclass(frozen=True, slots=True)
class ApprovalFilter:
    """Which requests a list shows; None or empty means all.

    Args:
        states: in which states; nothing means those that wait.
        agent: slug or id.
        is_mine: only those the viewer is asked; in other states than `pending`, was asked.
        older_than_hours: only those made so long ago, or longer.
    """

    states: tuple[ApprovalState, ...] = ("pending",)
    kind: ApprovalKind | None = None
    agent: str | None = None
    gate: str | None = None
    run_id: str | None = None
    is_mine: bool = False
    older_than_hours: float | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """One line of the inbox.

    Args:
        badges: what makes it grave, in words: see `approvals/cards.py`.
        can_decide: the viewer is asked, and their answer would count now.
        votes: how many approved so far, of `quorum`.
        is_degraded: nobody the rule names could be asked, or nobody answered in time and it goes on waiting.
    """

    id: str
    kind: ApprovalKind
    state: ApprovalState
    gate: str
    asked_by_policy: str
    agent_id: str
    agent_name: str
    revision_number: int
    environment_id: str
    run_id: str
    tool: str | None
    effect: str | None
    title: str
    summary: str
    why: str
    badges: tuple[dict[str, Any], ...]
    created_at: datetime
    deadline_at: datetime | None
    level: int
    quorum: int
    votes: int
    is_degraded: bool
    can_decide: bool
    decided_at: datetime | None
    decided_by_name: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """Somebody who was asked: by which rung, why they, and in whose place."""

    member_id: str
    name: str
    email: str
    level: int
    via: str
    asked_for: str | None
    is_open: bool
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class VoteFacts:
    """What one member said."""

    member_id: str
    member_name: str
    verdict: str
    decision: Any
    reason: str | None
    reason_code: str | None
    via: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalDetail:
    """One request whole.

    Args:
        args: what the call would be made with: names of secrets, never their values.
        card: what the reader decides by; its shape is told in `approvals/cards.py`.
        rule: the gate as it was when the request was made (`agents/gates.py`).
        decision: how it was answered: `args` and `changes` of an edit, `answers`, `amount_usd`, `endorsed`.
        input_schema: what edited arguments must fit; None when arguments cannot be edited.
        why_not: why the viewer cannot answer, as a sentence; empty when they can.
    """

    row: ApprovalRow
    leg: int
    call_id: str
    revision_id: str
    run_requested_by: str
    args: Any
    card: dict[str, Any]
    rule: dict[str, Any]
    recipients: tuple[RecipientFacts, ...]
    votes: tuple[VoteFacts, ...]
    decision: Any
    reason_code: str | None
    via: str | None
    next_at: datetime | None
    used_at: datetime | None
    input_schema: dict[str, Any] | None
    can_edit: bool
    can_assign: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class ApprovalCounts:
    """How many wait: put to the viewer, of those older than a day, and all that the viewer sees."""

    mine: int
    mine_aged: int
    visible: int


@dataclass(frozen=True, slots=True)
class ApprovalGroup:
    """Requests of one gate of one agent that wait for the viewer: what can be decided together."""

    agent_id: str
    agent_name: str
    gate: str
    kind: ApprovalKind
    number: int
    oldest_id: str
