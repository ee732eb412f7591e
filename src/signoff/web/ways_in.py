"""Other ways in than a password, as buttons above the form of the sign-in page.

A way in is one function in `BUTTONS`: it returns its buttons for whoever stands before the door. It must not tell who
has an account here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.orm import Session

from signoff.people.providers import Door, doors_of, is_any_door, only_doors
from signoff.web.targets import workspace_in


@dataclass(frozen=True, slots=True)
class Button:
    """A link above the form, such as "Continue with Example"; `href` is an address of ours."""

    text: str
    href: str
    icon: str = "log-in"


def sso_buttons(session: Session, target: str) -> Sequence[Button]:
    """Return the identity providers of the workspace that is asked for, or of the only one there is.

    Where there are several workspaces, one button leads to the page that asks which: who they are is not told.
    """
    slug = workspace_in(target)
    doors = doors_of(session, slug) if slug else only_doors(session)
    if not doors and is_any_door(session):
        return [Button("Single sign-on", _with_target("/sign-in/sso", target))]
    return door_buttons(doors, target)


def door_buttons(doors: Sequence[Door], target: str) -> tuple[Button, ...]:
    """Return a button for each identity provider."""
    return tuple(
        Button(f"Continue with {door.name}", _with_target(f"/sign-in/sso/{door.id}/start", target)) for door in doors
    )


def _with_target(address: str, target: str) -> str:
    return f"{address}?next={quote(target, safe='')}" if target else address


BUTTONS: list[Callable[[Session, str], Sequence[Button]]] = [sso_buttons]


def buttons_for(session: Session, target: str) -> tuple[Button, ...]:
    """Return the buttons; `target` is where to go after signing in, an address of ours or nothing."""
    return tuple(button for way in BUTTONS for button in way(session, target))
