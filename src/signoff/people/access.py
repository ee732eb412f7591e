"""The one question before anything is done: may this caller do this to that?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signoff.kit.errors import NotAllowed, NotFound
from signoff.people.roles import PERMISSIONS, WORKSPACE_WIDE, Action, Reach, Role
from signoff.record.actor import Actor

PrincipalKind = Literal["member", "key", "system"]


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an action and the viewer of a query, always inside one workspace.

    `id` is the member's or the key's. `scopes` of a key narrow what its role allows; None or empty narrows nothing.
    """

    kind: PrincipalKind
    id: str
    name: str
    workspace_id: str
    role: Role
    scopes: frozenset[str] | None = None
    environment_id: str | None = None
    person_id: str | None = None
    is_bound: bool = False
    """The session was opened by this workspace's identity provider: it may do what the member may, and touch nothing
    that belongs to the person beyond this workspace (other workspaces, password, second factor, other sessions)."""

    @property
    def actor(self) -> Actor:
        """Return who the audit will name."""
        return Actor(self.kind, self.id, self.name)


def system(workspace_id: str, name: str = "Signoff") -> Principal:
    """Return the product itself, acting in one workspace; for the engine and the command line on the machine."""
    return Principal("system", "system", name, workspace_id, "owner")


def reach(principal: Principal, action: Action) -> Reach | None:
    """Return how far the caller may go with `action`: `all`, `own`, or None for not at all."""
    if principal.scopes and action not in principal.scopes:
        return None
    if principal.environment_id and action in WORKSPACE_WIDE:
        return None
    return PERMISSIONS[principal.role].get(action)


def authorize(
    principal: Principal,
    action: Action,
    *,
    workspace_id: str | None = None,
    owners: tuple[str | None, ...] = (),
    environment_id: str | None = None,
) -> None:
    """Return quietly, or refuse. `owners` are the ids for whom the object is their own.

    Raises:
        NotFound: the object is another workspace's (or outside the key's environment): its existence is not told.
        NotAllowed: the role, or the key's scopes, do not reach this far.
    """
    if workspace_id is not None and workspace_id != principal.workspace_id:
        raise NotFound("There is no such thing in this workspace.")
    if environment_id and principal.environment_id and environment_id != principal.environment_id:
        raise NotFound("There is no such thing in this key's environment.")
    if principal.environment_id and action in WORKSPACE_WIDE:
        raise NotAllowed(
            f"{principal.name} is a key for one environment, and this concerns the whole workspace. "
            "Use a key that is not bound to an environment.",
            extra={"required": action, "granted": sorted(_granted(principal)), "role": principal.role},
        )
    granted = reach(principal, action)
    if granted == "all" or (granted == "own" and principal.id in owners):
        return
    if granted == "own" and not owners:
        return  # A list or a creation: the query itself narrows to the caller's own.
    raise NotAllowed(
        f"{principal.name} may not {action.replace('.', ': ')} here. "
        f"It takes {_who_can(action)}; ask an administrator of this workspace.",
        extra={"required": action, "granted": sorted(_granted(principal)), "role": principal.role},
    )


def can(
    principal: Principal, action: Action, *, owners: tuple[str | None, ...] = (), environment_id: str | None = None
) -> bool:
    """Return whether `authorize` would agree; for showing or hiding a button, never instead of it."""
    try:
        authorize(principal, action, owners=owners, environment_id=environment_id)
    except (NotAllowed, NotFound):
        return False
    return True


def _granted(principal: Principal) -> list[str]:
    return [action for action in PERMISSIONS[principal.role] if reach(principal, action)]


def _who_can(action: Action) -> str:
    roles = [role for role, actions in PERMISSIONS.items() if actions.get(action) == "all"]
    return f"the role {roles[-1]} or higher" if roles else "another role"
