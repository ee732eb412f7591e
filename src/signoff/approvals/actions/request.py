"""Asking people: one request, with everything that they decide by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals.states import ApprovalKind
from signoff.runs.facts import RunContext


@dataclass(frozen=True, slots=True)
class Wanted:
    """What people are to be asked.

    Args:
        rule: whom, by when, and what happens then; also for what no gate asks.
        policy: which policy asks; `agent` when the agent itself does.
        why: in words, why anybody is asked.
        args: masked: names of secrets, never their values.
        card: what the reader decides by, see `approvals/cards.py`.
        binding: what an answer is bound to, see `approvals/binding.py`.
    """

    kind: ApprovalKind
    rule: Gate
    policy: str
    why: str
    title: str
    summary: str
    binding: str
    tool: str | None = None
    effect: str | None = None
    args: Any = None
    card: Mapping[str, Any] = field(default_factory=dict[str, Any])


def request_approval(session: Session, run: RunContext, call_id: str, wanted: Wanted) -> str:
    """Ask, and return the request's id. Asked again by a leg that runs again after a crash, it is the same one."""
    raise NotImplementedError
