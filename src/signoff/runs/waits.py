"""What a run that waits says of it. Pure."""

from __future__ import annotations

from signoff.runs.holds import HoldKind

# What a run that waits says: a code, and words.
_WAITS: dict[HoldKind, tuple[str, str]] = {
    "reconciliation": (
        "needs_reconciliation", "Nobody knows whether CALLS happened. Look there, then say what is true.",
    ),
    "approval": ("needs_approval", "Somebody has to approve CALLS before it goes on. Nothing runs meanwhile."),
    "login": ("needs_login", "It needs a login that somebody has to provide. Nothing runs meanwhile."),
    "question": ("needs_answer", "The agent asked a question and waits for the answer. Nothing runs meanwhile."),
    "budget": ("needs_budget", "Its money is used up. Somebody may raise the limit for this run."),
    "sub_agent": ("waits_for_sub_agent", "Another agent works on CALLS of it. It goes on by itself when that is done."),
    "window": ("outside_window", "CALLS may only be made at other times. It goes on by itself then."),
}  # fmt: skip


def waiting_words(kind: HoldKind, number: int) -> tuple[str, str]:
    """Return the code and the words of a run that waits for `number` holds of a kind."""
    code, reason = _WAITS[kind]
    return code, reason.replace("CALLS", "one call" if number == 1 else f"{number} calls")
