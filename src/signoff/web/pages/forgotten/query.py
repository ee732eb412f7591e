"""What the page for a forgotten password shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ForgottenView:
    """The form, or, with `is_asked`, what happens now. It is the same for every address, known or not."""

    email: str
    sends_mail: bool
    minutes: int
    is_asked: bool = False
    problem: str = ""


def load(email: str, *, sends_mail: bool, seconds: int, is_asked: bool = False, problem: str = "") -> ForgottenView:
    """Return the view."""
    return ForgottenView(email[:200], sends_mail, max(seconds // 60, 1), is_asked, problem)
