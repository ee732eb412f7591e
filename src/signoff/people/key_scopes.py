"""What a key may do: its preset and scopes, never more than who makes it, and what its owner has no use for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from signoff.kit.errors import Malformed, NotAllowed
from signoff.people.access import Principal, beyond
from signoff.people.key_owners import KeyOwner
from signoff.people.roles import ACTIONS, KEY_PRESETS, WORKSPACE_WIDE, Action, Reach, Role


def preset_of(name: str) -> tuple[Role, tuple[Action, ...]]:
    """Return a preset's role and scopes.

    Raises:
        Malformed: there is no such preset.
    """
    found = KEY_PRESETS.get(name)
    if found is None:
        raise Malformed(f"{name[:40]!r} is no preset.", errors={"preset": [f"one of: {', '.join(KEY_PRESETS)}"]})
    return found


def chosen_scopes(
    asked: Sequence[str] | None, permissions: Mapping[Action, Reach], allowed: tuple[Action, ...]
) -> tuple[Action, ...]:
    """Return the scopes of a new key: those asked for, in the table's order, else the preset's.

    Raises:
        Malformed: a word is no scope, or the preset does not include it.
    """
    if not asked:
        return allowed
    unknown = sorted({scope[:40] for scope in asked if scope not in ACTIONS})
    if unknown:
        raise Malformed(
            f"Not a scope: {', '.join(unknown)}.", errors={"scopes": [f"only: {', '.join(ACTIONS)}"]}, code="bad_scope"
        )
    within = set(allowed) or set(permissions)
    further = sorted(set(asked) - within)
    if further:
        raise Malformed(
            f"The preset does not include: {', '.join(further)}. Choose a wider preset.", errors={"scopes": further}
        )
    return tuple(action for action in ACTIONS if action in asked)


def stay_within(
    principal: Principal,
    owner_id: str | None,
    permissions: Mapping[Action, Reach],
    scopes: tuple[Action, ...],
    environment_id: str | None,
) -> None:
    """Return quietly when the caller may do all that such a key could.

    A member's own key is bounded by their role whenever it is used, so by hand they make any; a key makes none wider.

    Raises:
        NotAllowed: it could do more, or elsewhere.
    """
    if owner_id == principal.id and principal.kind == "member" and not _is_narrowed(principal):
        return
    if principal.environment_id and environment_id != principal.environment_id:
        raise NotAllowed("A key bound to one environment makes keys for that one only.")
    wanted = _wanted(permissions, scopes, environment_id)
    further = sorted(beyond(principal, wanted, is_theirs=owner_id != principal.id))
    # A key that deploys with an administrator's role does so where only administrators may; see `access.authorize`.
    rules: Action = "environment.manage"
    if "agent.deploy" in wanted and rules in permissions and principal.permissions.get(rules) != "all":
        further.append(rules)
    if further:
        raise NotAllowed(
            f"A key cannot do more than who makes it. Yours does not include: {', '.join(further)}.",
            extra={"required": further},
        )


def _is_narrowed(principal: Principal) -> bool:
    return bool(principal.scopes or principal.environment_id)


def fit_owner(
    owner: KeyOwner, permissions: Mapping[Action, Reach], scopes: tuple[Action, ...], environment_id: str | None
) -> None:
    """Return quietly when the owner's role, or a level of theirs on some agent, includes what the key is for. Reads it
    does not include are left out in use.

    Raises:
        NotAllowed: the key is for something that its owner may not do, so it would never work.
    """
    wanted = _wanted(permissions, scopes, environment_id)
    allowed = owner.granted.union(owner.permissions)
    further = sorted(action for action in wanted if action not in allowed and not action.endswith(".read"))
    if further:
        raise NotAllowed(
            f"The key would belong to {owner.name}, whose role {owner.role} does not include: {', '.join(further)}. "
            "Choose a narrower preset, or another owner.",
            extra={"required": further, "role": owner.role},
        )


def _wanted(
    permissions: Mapping[Action, Reach], scopes: tuple[Action, ...], environment_id: str | None
) -> dict[Action, Reach]:
    # A key for one environment cannot do what concerns the whole workspace, so it is not asked of anybody.
    return {
        action: far
        for action, far in permissions.items()
        if (not scopes or action in scopes) and not (environment_id and action in WORKSPACE_WIDE)
    }
