"""What the pages of roles show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, authorize, can, reach
from signoff.people.custom_roles import RoleFacts, role, roles
from signoff.people.facts import EnvironmentFacts
from signoff.people.levels import GRANTABLE, LEVEL_ACTIONS, LEVELS
from signoff.people.queries import environments, members, workspace
from signoff.people.roles import ACTIONS, ADMINISTRATORS, FLOOR, OWNABLE, OWNER_ONLY, Action, Reach
from signoff.web.forms import Form
from signoff.web.permission_words import ACTION_WORDS, AREA_WORDS, LEVEL_WORDS, ROLE_WORDS, role_name


@dataclass(frozen=True, slots=True)
class RoleTile:
    """One role. `path`: where it is changed; empty for a built-in one, and for who may not."""

    slug: str
    name: str
    about: str
    members: int
    keys: int
    path: str


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action, and how far each role may go with it, or whether a level includes it."""

    action: Action
    words: str
    reaches: tuple[Reach | None, ...]


@dataclass(frozen=True, slots=True)
class RolesView:
    """The tables: areas with their actions, a column for each role; and the levels of a grant."""

    roles: tuple[RoleTile, ...]
    own: tuple[RoleTile, ...]
    areas: tuple[tuple[str, tuple[ActionRow, ...]], ...]
    mine: str
    levels: tuple[tuple[str, str, str], ...]
    level_rows: tuple[ActionRow, ...]
    places: tuple[EnvironmentFacts, ...]
    last_resort: str
    last_resort_name: str
    administrators: tuple[tuple[str, str], ...]
    may_manage: bool
    may_rule: bool
    may_name: bool
    problem: str


def load(session: Session, viewer: Principal, *, problem: str = "") -> RolesView:
    """Return the view.

    Raises:
        NotAllowed: the viewer may not see the roles.
    """
    known = roles(session, viewer)
    may_manage = can(viewer, "role.manage")
    tiles = tuple(_tile(one, may_manage) for one in known)
    areas: dict[str, list[ActionRow]] = {}
    for action in ACTIONS:
        reaches: tuple[Reach | None, ...] = tuple(one.permissions.get(action) for one in known)
        areas.setdefault(action.partition(".")[0], []).append(ActionRow(action, ACTION_WORDS[action], reaches))
    people = members(session, viewer, size=PAGE_SIZE_MAX).rows if can(viewer, "member.read") else ()
    named = workspace(session, viewer).last_resort_id or ""
    return RolesView(
        roles=tiles,
        own=tuple(tile for one, tile in zip(known, tiles, strict=True) if not one.is_built_in),
        areas=tuple((AREA_WORDS[area], tuple(rows)) for area, rows in areas.items()),
        mine=viewer.role,
        levels=tuple((level, *LEVEL_WORDS[level]) for level in LEVELS),
        level_rows=tuple(_level_row(action) for action in ACTIONS if action in GRANTABLE),
        places=tuple(environments(session, viewer)),
        last_resort=named,
        last_resort_name=next((one.name for one in people if one.id == named), ""),
        administrators=tuple((one.id, one.name) for one in people if one.role in ADMINISTRATORS),
        may_manage=may_manage,
        may_rule=can(viewer, "environment.manage"),
        may_name=can(viewer, "workspace.manage"),
        problem=problem,
    )


def _level_row(action: Action) -> ActionRow:
    held = tuple[Reach | None, ...]("all" if action in LEVEL_ACTIONS[level] else None for level in LEVELS)
    return ActionRow(action, ACTION_WORDS[action], held)


def _tile(facts: RoleFacts, may_manage: bool) -> RoleTile:
    about = next((words[1] for known, words in ROLE_WORDS.items() if known == facts.slug), facts.description)
    path = "" if facts.is_built_in or not may_manage else f"/settings/roles/{facts.slug}"
    return RoleTile(facts.slug, role_name(facts.slug, facts.name), about, facts.members, facts.keys, path)


@dataclass(frozen=True, slots=True)
class Choice:
    """How far a role goes with one action: what is chosen, and what the viewer may choose."""

    action: Action
    words: str
    chosen: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role to make or to change. `slug` is empty for a new one."""

    slug: str
    name: str
    form: Form
    areas: tuple[tuple[str, tuple[Choice, ...]], ...]
    carried: str
    problem: str
    errors: Mapping[str, Sequence[str]]


_REACH_WORDS: dict[str, str] = {"": "No", "own": "Own", "all": "All"}


def load_role(
    session: Session,
    viewer: Principal,
    slug: str = "",
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> RoleView:
    """Return the form of a role; `form` is what was filled in and refused.

    Raises:
        NotAllowed: the viewer may not make roles.
        NotFound: this workspace has no such role.
    """
    authorize(viewer, "role.manage")
    facts = role(session, viewer, slug) if slug else None
    filled = form or Form({"name": (facts.name,), "description": (facts.description,)} if facts else {})
    areas: dict[str, list[Choice]] = {}
    for action in ACTIONS:
        chosen = filled.text(f"may-{action}") if form else str(facts.permissions.get(action, "")) if facts else ""
        options = _options(viewer, action, chosen)
        if len(options) > 1 and action != "workspace.read":
            areas.setdefault(action.partition(".")[0], []).append(Choice(action, ACTION_WORDS[action], chosen, options))
    return RoleView(
        slug=slug,
        name=facts.name if facts else "",
        form=filled,
        areas=tuple((AREA_WORDS[area], tuple(choices)) for area, choices in areas.items()),
        carried=_carried(facts),
        problem=problem,
        errors=errors or {},
    )


def _options(viewer: Principal, action: Action, chosen: str) -> tuple[tuple[str, str], ...]:
    """Return no more than the viewer has, and what the role has already."""
    far = None if action in OWNER_ONLY else reach(viewer, action)
    values = [
        *(() if action in FLOOR else ("",)),
        *(("own",) if far and action in OWNABLE else ()),
        *(("all",) if far == "all" else ()),
    ]
    if chosen in _REACH_WORDS and chosen not in values:
        values.append(chosen)
    return tuple((value, _REACH_WORDS[value]) for value in values)


def _carried(facts: RoleFacts | None) -> str:
    if facts is None or not (facts.members or facts.keys):
        return ""
    members = f"{facts.members} {'member' if facts.members == 1 else 'members'}"
    keys = f"{facts.keys} {'key' if facts.keys == 1 else 'keys'}"
    return " and ".join(text for text, count in ((members, facts.members), (keys, facts.keys)) if count)


def permissions_in(form: Form) -> dict[str, str]:
    """Return what was chosen for each action; what was left at "No" is not in it."""
    return {name: far for name in form.names("may-") if (far := form.text(f"may-{name}"))}
