"""How each state looks and what it is called. Colour never says it alone: every state has a shape and a word."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.web.flash import Tone


@dataclass(frozen=True, slots=True)
class Look:
    """The word, the tone and the shape of one state."""

    text: str
    tone: Tone
    shape: str
    is_loud: bool = False
    """Somebody has to act: drawn as a tinted pill in lists. The rest is quiet text, which keeps lists calm."""


RUN = {
    "queued": Look("Queued", "idle", "ring"),
    "running": Look("Running", "run", "turning"),
    "waiting": Look("Waiting", "wait", "mark", is_loud=True),
    "completed": Look("Completed", "ok", "tick"),
    "failed": Look("Failed", "bad", "cross", is_loud=True),
    "cancelled": Look("Cancelled", "idle", "slash"),
    "rejected": Look("Rejected", "bad", "bar"),
}
WAITING_FOR = {
    "approval": Look("Needs approval", "wait", "mark", is_loud=True),
    "question": Look("Has a question", "wait", "mark", is_loud=True),
    "login": Look("Needs a login", "wait", "mark", is_loud=True),
    "budget": Look("Out of budget", "wait", "mark", is_loud=True),
    "reconciliation": Look("Outcome unknown", "wait", "mark", is_loud=True),
    "sub_agent": Look("Waits for another agent", "note", "clock"),
    "window": Look("Waits for its window", "note", "clock"),
    "schedule": Look("Waits for its time", "note", "clock"),
    "provider": Look("Waits for the provider", "note", "clock"),
}
STEP = {
    "pending": Look("Not started", "idle", "ring"),
    "succeeded": Look("Done", "ok", "tick"),
    "retried": Look("Done after a retry", "ok", "tick"),
    "denied": Look("Not allowed", "wait", "bar", is_loud=True),
    "refused": Look("Not allowed", "wait", "bar", is_loud=True),
    "stopped": Look("Stopped", "bad", "bar", is_loud=True),
    "held": Look("Held for a person", "wait", "mark", is_loud=True),
    "deferred": Look("Put off", "note", "clock"),
    "simulated": Look("Simulated", "note", "half"),
    "cached": Look("From the cache", "note", "half"),
    "needs_reconciliation": Look("Outcome unknown", "wait", "mark", is_loud=True),
    "timed_out": Look("Timed out", "bad", "clock", is_loud=True),
}
VERDICT = {
    "allow": Look("Allowed", "ok", "tick"),
    "deny": Look("Denied", "bad", "bar"),
    "hold": Look("Held", "wait", "mark"),
    "stop": Look("Stopped the run", "bad", "bar"),
    "defer": Look("Put off", "note", "clock"),
    "simulate": Look("Simulated", "note", "half"),
    "answer": Look("From the cache", "note", "half"),
}
AGENT = {
    "draft": Look("Draft", "note", "ring"),
    "frozen": Look("Frozen", "ok", "tick"),
    "retired": Look("Retired", "idle", "slash"),
    "live": Look("Live", "ok", "tick"),
    "paused": Look("Paused", "wait", "bar"),
    "revoked": Look("Revoked", "bad", "bar", is_loud=True),
}
CONNECTION = {
    "healthy": Look("Healthy", "ok", "tick"),
    "degraded": Look("Unsteady", "wait", "mark", is_loud=True),
    "failing": Look("Failing", "bad", "cross", is_loud=True),
    "unreachable": Look("Unreachable", "bad", "cross", is_loud=True),
    "untested": Look("Not tested yet", "idle", "ring"),
    "changed": Look("Tools changed", "wait", "mark", is_loud=True),
    "disabled": Look("Disabled", "idle", "slash"),
}
EFFECT = {
    "intended": Look("Under way", "run", "turning"),
    "done": Look("Done", "ok", "tick"),
    "unknown": Look("Outcome unknown", "wait", "mark", is_loud=True),
    "settled": Look("Settled", "ok", "tick"),
    "happened": Look("It happened", "ok", "tick"),
    "did_not_happen": Look("It did not happen", "idle", "slash"),
    "did_not_happen_retry": Look("It did not happen, tried again", "note", "half"),
}
ACCESS = {
    "active": Look("Active", "ok", "tick"),
    "invited": Look("Invited", "note", "clock"),
    "asked": Look("Asked", "wait", "mark"),
    "accepted": Look("Accepted", "ok", "tick"),
    "declined": Look("Declined", "bad", "cross"),
    "approved": Look("Approved", "ok", "tick"),
    "answered": Look("Answered", "ok", "tick"),
    "withdrawn": Look("Withdrawn", "idle", "slash"),
    "expired": Look("Expired", "wait", "clock"),
    "suspended": Look("Suspended", "bad", "bar"),
    "ready": Look("Ready", "ok", "tick"),
    "down": Look("Down", "bad", "cross", is_loud=True),
    "open": Look("To settle", "wait", "mark", is_loud=True),
}
RELEASE = {
    "requested": Look("Waits for its gate", "wait", "mark", is_loud=True),
    "gated": Look("Through the gate", "run", "turning"),
    "scheduled": Look("Waits for its time", "note", "clock"),
    "shadow": Look("In the shadow", "note", "half"),
    "canary": Look("Canary", "run", "half"),
    "watching": Look("Being watched", "run", "turning"),
    "aborted": Look("Called off", "idle", "slash"),
    "rolled_back": Look("Rolled back", "bad", "cross"),
}
EVALUATION = {
    "promotable": Look("Promotable", "ok", "tick"),
    "not_promotable": Look("Not promotable", "bad", "cross"),
}
LOOKS = {**EVALUATION, **RELEASE, **RUN, **STEP, **VERDICT, **AGENT, **CONNECTION, **EFFECT, **ACCESS}


def look(state: str, waiting_for: str | None = None) -> Look:
    """The look of a state of anything here. An unknown word raises KeyError, so that a test finds it, not a person."""
    if state == "waiting" and waiting_for:
        return WAITING_FOR[waiting_for]
    return LOOKS[state]
