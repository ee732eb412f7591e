"""The states of a request to people, its kinds, and the legal moves. Pure."""

from __future__ import annotations

from typing import Literal, get_args

ApprovalKind = Literal["approval", "question", "login", "budget"]
ApprovalState = Literal["pending", "approved", "denied", "answered", "expired", "withdrawn"]
Verdict = Literal["approve", "deny", "answer"]

APPROVAL_KINDS: tuple[ApprovalKind, ...] = get_args(ApprovalKind)
APPROVAL_STATES: tuple[ApprovalState, ...] = get_args(ApprovalState)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

# Whatever has been said stands: nothing leads out of an answer, and nothing that expired comes back.
MOVES: dict[ApprovalState, frozenset[ApprovalState]] = {
    "pending": frozenset({"approved", "denied", "answered", "expired", "withdrawn"}),
    "approved": frozenset(),
    "denied": frozenset(),
    "answered": frozenset(),
    "expired": frozenset(),
    "withdrawn": frozenset(),
}
LEADS_TO: dict[Verdict, ApprovalState] = {"approve": "approved", "deny": "denied", "answer": "answered"}
# What can be said to a request of each kind. Everything can be denied: somebody must be able to say no.
ANSWERS: dict[ApprovalKind, frozenset[Verdict]] = {
    "approval": frozenset({"approve", "deny"}),
    "question": frozenset({"answer", "deny"}),
    "login": frozenset({"answer", "deny"}),
    "budget": frozenset({"approve", "deny"}),
}


def may_move(before: str, after: str) -> bool:
    """Return whether a request may go from one state to another."""
    return after in MOVES[before]  # pyright: ignore[reportArgumentType]


def is_open(state: str) -> bool:
    """Return whether a request in this state still waits for an answer."""
    return bool(MOVES[state])  # pyright: ignore[reportArgumentType]


def may_answer(kind: str, verdict: str) -> bool:
    """Return whether a request of this kind can be answered so."""
    return verdict in ANSWERS[kind]  # pyright: ignore[reportArgumentType]
