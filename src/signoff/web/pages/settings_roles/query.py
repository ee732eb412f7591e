"""What the page of roles shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize
from signoff.people.roles import ACTIONS, PERMISSIONS, ROLES, Action, Reach
from signoff.web.permission_words import ACTION_WORDS, AREA_WORDS, ROLE_WORDS


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action, and how far each role may go with it."""

    action: Action
    words: str
    reaches: tuple[Reach | None, ...]


@dataclass(frozen=True, slots=True)
class RolesView:
    """The table: areas with their actions, a column for each role."""

    roles: tuple[tuple[str, str, str], ...]
    areas: tuple[tuple[str, tuple[ActionRow, ...]], ...]
    mine: str


def load(session: Session, viewer: Principal) -> RolesView:
    """Return the view."""
    authorize(viewer, "workspace.read")
    areas: dict[str, list[ActionRow]] = {}
    for action in ACTIONS:
        reaches: tuple[Reach | None, ...] = tuple(PERMISSIONS[role].get(action) for role in ROLES)
        areas.setdefault(action.partition(".")[0], []).append(ActionRow(action, ACTION_WORDS[action], reaches))
    return RolesView(
        roles=tuple((role, *ROLE_WORDS[role]) for role in ROLES),
        areas=tuple((AREA_WORDS[area], tuple(rows)) for area, rows in areas.items()),
        mine=viewer.role,
    )
