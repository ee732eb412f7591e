"""Requests to people in a person's words: their kinds, what makes them grave, why somebody is asked, how they ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signoff.approvals.deliveries import DeliveryFacts
from signoff.approvals.states import ApprovalKind
from signoff.web.channel_words import KIND_WORDS
from signoff.web.flash import Tone


@dataclass(frozen=True, slots=True)
class KindWords:
    """A kind of request: its name, its icon (Lucide), and what one does with it."""

    name: str
    icon: str
    verb: str


KINDS: dict[ApprovalKind, KindWords] = {
    "approval": KindWords("Approval", "hand", "Decide"),
    "question": KindWords("Question", "message-circle-question-mark", "Answer"),
    "login": KindWords("Login", "key-round", "Sign in"),
    "budget": KindWords("Budget", "wallet", "Decide"),
}
ENDED: tuple[tuple[str, str], ...] = (
    ("approved", "Approved"),
    ("denied", "Denied"),
    ("answered", "Answered"),
    ("expired", "Expired"),
    ("withdrawn", "Withdrawn"),
)
# What the request says happened to it, after a name.
DID: dict[str, str] = {
    "approved": "approved this",
    "denied": "denied this",
    "answered": "answered this",
    "withdrawn": "withdrew this",
}
_VIA = {
    "approvers": "approver of the agent",
    "owner": "owner of the agent",
    "operations": "operations contact",
    "backup": "backup of the owner",
    "escalation": "escalation contact",
    "address": "named by the gate",
    "delegated": "given to them",
    "absence": "stands in for somebody away",
    "fallback": "asked because nobody else could be",
}
_ANSWERED_VIA = {
    "page": "here",
    "api": "through the API",
    "cli": "on the command line",
    "mail": "from a mail",
    "slack": "in Slack",
    "teams": "in Teams",
    "deadline": "by the deadline",
}
_BADGES: dict[str, tuple[Tone, str]] = {
    "effect": ("idle", "zap"),
    "reversibility": ("wait", "undo-2"),
    "outside": ("note", "globe"),
    "value": ("idle", "banknote"),
}
_GRAVE = ("irreversible", "cannot be undone")
_ORIGINS = {"unknown": "not known where from", "sop": "the SOP", "input": "the input of the run"}
_AT_DEADLINE = {
    "deny": "then it is denied",
    "fail": "then the run fails",
    "wait": "then it goes on waiting, with an alert",
}


def via_words(via: str) -> str:
    """Return why somebody was asked."""
    return _VIA.get(via, f"has the role {via}")


def answered_via(via: str | None) -> str:
    """Return by which way an answer came."""
    return _ANSWERED_VIA.get(via or "", via or "")


def told_words(message: DeliveryFacts) -> str:
    """Return what became of a message about a request, and to whom it went."""
    way = "A webhook" if message.kind == "webhook" else KIND_WORDS.get(message.kind, message.kind)
    whom = f"{way} to {message.name}" if message.name else way
    if message.state == "sent":
        inside = whom[:1].lower() + whom[1:] if message.kind in ("mail", "webhook") else whom
        return f"Told by {inside}"
    if message.state in ("failed", "dropped"):
        return f"{whom} {'failed' if message.state == 'failed' else 'was not sent'}"
    return f"{whom} failed, is tried again" if message.last_error else f"{whom} is on its way"


def badge_look(badge: Mapping[str, Any]) -> tuple[str, Tone, str]:
    """Return a badge of the card as text, tone and icon."""
    word = str(badge.get("word", ""))[:80]
    tone, glyph = _BADGES.get(str(badge.get("kind", "")), ("idle", "info"))
    if any(one in word for one in _GRAVE):
        return word[:1].upper() + word[1:], "bad", "lock" if word == _GRAVE[0] else glyph
    return word[:1].upper() + word[1:], tone, glyph


def origin_words(origin: Any) -> str:
    """Return where a value came from."""
    text = str(origin or "unknown")[:200]
    return _ORIGINS.get(text, text)


def deadline_words(on_deadline: Any) -> str:
    """Return what happens when nobody answers in time."""
    return _AT_DEADLINE.get(str(on_deadline), "")
