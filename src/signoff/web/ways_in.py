"""Other ways in than a password, as buttons above the form of the sign-in page.

A way in is one function in `BUTTONS`: it returns its buttons for whoever stands before the door. It must not tell who
has an account here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Button:
    """A link above the form, such as "Continue with Example"; `href` is an address of ours."""

    text: str
    href: str
    icon: str = "log-in"


BUTTONS: list[Callable[[Session, str], Sequence[Button]]] = []


def buttons_for(session: Session, target: str) -> tuple[Button, ...]:
    """Return the buttons; `target` is where to go after signing in, an address of ours or nothing."""
    return tuple(button for way in BUTTONS for button in way(session, target))
