"""What visitors see on their way through single sign-on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.providers import Door, door, doors_of
from signoff.web.targets import workspace_in
from signoff.web.ways_in import Button, door_buttons


@dataclass(frozen=True, slots=True)
class SsoView:
    """The question which workspace it is, and its doors once it is known. `is_asked`: somebody looked for one."""

    workspace: str
    target: str
    buttons: tuple[Button, ...]
    is_asked: bool


def load(session: Session, *, workspace: str, target: str) -> SsoView:
    """Return the view. A workspace that does not exist looks like one without single sign-on."""
    slug = workspace.strip().lower()[:63]
    doors = doors_of(session, slug or workspace_in(target))
    return SsoView(slug, target, door_buttons(doors, target), bool(slug))


@dataclass(frozen=True, slots=True)
class ConfirmView:
    """A door that another site's link leads to; one goes through knowingly."""

    door: Door | None
    button: Button | None


def load_confirm(session: Session, provider_id: str, *, target: str) -> ConfirmView:
    """Return the view."""
    found = door(session, provider_id[:64])
    return ConfirmView(found, door_buttons([found], target)[0] if found else None)


@dataclass(frozen=True, slots=True)
class RefusedView:
    """Why somebody was not let in, in our words."""

    title: str
    detail: str
    reference: str
    """The request id, so that whoever runs this can find it in the log."""
