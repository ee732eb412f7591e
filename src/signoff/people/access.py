"""The one question before anything is done: may this caller do this to that?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from signoff.kit.errors import NotAllowed, NotFound
from signoff.people.levels import DEPLOYING, LEVEL_ACTIONS, Level, levels_with
from signoff.people.roles import ACTIONS, ADMINISTRATORS, EMERGENCY, PERMISSIONS, ROLES, WORKSPACE_WIDE, Action, Reach
from signoff.record.actor import Actor

PrincipalKind = Literal["member", "key", "service_account", "system"]

# Stands for "what the built-in role says"; a role of a workspace's own may well permit nothing.
_BY_ROLE: dict[Action, Reach] = {}
_BUILT_IN: Mapping[str, Mapping[Action, Reach]] = {str(role): table for role, table in PERMISSIONS.items()}


BOUND = (
    "You signed in with single sign-on of this workspace, which has no say in what is yours beyond it: name, password, "
    "second factor. Sign in with your password to change that."
)


def _by_role() -> Mapping[Action, Reach]:
    return _BY_ROLE


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an action and the viewer of a query, always inside one workspace.

    `id` is the member's or the service account's, also when a key of theirs calls; `key_id` is that key's.
    `permissions` are what the role allows, resolved; left out, those of the built-in role (a word that names none
    allows what a viewer may). `scopes` of a key narrow all of it; None or empty narrows nothing. `grants`: agent id →
    the levels held on that agent beyond the role. `is_last_resort`: the administrator who may take emergency action on
    any agent.
    """

    kind: PrincipalKind
    id: str
    name: str
    workspace_id: str
    role: str
    scopes: frozenset[str] | None = None
    environment_id: str | None = None
    person_id: str | None = None
    is_bound: bool = False
    """The session was opened by this workspace's identity provider: it may do what the member may, and touch nothing
    that belongs to the person beyond this workspace (other workspaces, password, second factor, other sessions)."""
    permissions: Mapping[Action, Reach] = field(default_factory=_by_role, hash=False)
    grants: Mapping[str, frozenset[Level]] = field(default_factory=dict[str, frozenset[Level]], hash=False)
    is_last_resort: bool = False
    key_id: str | None = None
    origin: str | None = None
    """By which way in the caller came, where the audit is to tell it."""

    def __post_init__(self) -> None:
        """Resolve a built-in role."""
        if self.permissions is _BY_ROLE:
            object.__setattr__(self, "permissions", _BUILT_IN.get(self.role, PERMISSIONS["viewer"]))

    @property
    def actor(self) -> Actor:
        """Return who the audit will name."""
        return Actor(self.kind, self.id, self.name, self.key_id, origin=self.origin)

    @property
    def member_id(self) -> str | None:
        """Return the member who acts, by hand or through a personal key; None for everybody else."""
        return self.id if self.kind in ("member", "key") and self.id != self.key_id else None

    def under(self, role: str, permissions: Mapping[Action, Reach]) -> Principal:
        """Return the caller with no more than a role allows. It can only take away, from grants as well."""
        kept: dict[Action, Reach] = {}
        for action, far in permissions.items():
            # What scopes shut out is asked when it comes to it; a rule about the role asks the role (see below).
            mine = self.permissions.get(action)
            if mine is not None:
                kept[action] = "own" if "own" in (mine, far) else "all"
        open_to = frozenset(permissions) & (self.scopes or frozenset(permissions))
        return replace(
            self,
            role=max(self.role, role, key=ROLES.index) if {self.role, role} <= set(ROLES) else role,
            permissions=kept,
            # An empty set would mean "no limit"; a word that is no action means "nothing".
            scopes=frozenset[str](open_to) or frozenset(("nothing",)),
            is_last_resort=self.is_last_resort and role in ADMINISTRATORS,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """An environment in which a revision is to go live, as far as the right to do so depends on it."""

    id: str
    name: str
    is_deploy_restricted: bool


def system(workspace_id: str, name: str = "Signoff") -> Principal:
    """Return the product itself, acting in one workspace; for the engine and the command line on the machine."""
    return Principal("system", "system", name, workspace_id, "owner")


def reach(principal: Principal, action: Action) -> Reach | None:
    """Return how far the caller's role goes with `action`: `all`, `own`, or None for not at all. Grants come on top."""
    return principal.permissions.get(action) if _is_open(principal, action) else None


def granted_levels(principal: Principal, action: Action) -> tuple[Level, ...]:
    """Return the levels by which a grant would let this caller do `action`; none when scopes shut it out."""
    return levels_with(action) if principal.grants and _is_open(principal, action) else ()


def covers(principal: Principal, permissions: Mapping[Action, Reach], *, is_theirs: bool) -> bool:
    """Return whether the caller may do all of this, as far; see `beyond`."""
    return not beyond(principal, permissions, is_theirs=is_theirs)


def beyond(principal: Principal, permissions: Mapping[Action, Reach], *, is_theirs: bool) -> list[Action]:
    """Return what of `permissions` goes further than the caller may: nobody hands out more than they have.

    Args:
        is_theirs: the permissions are somebody else's who owns things already. Then `own` means things of that one,
            and only who may do it to `all` may do as much; else it means what whoever gets them will own.
    """
    far_enough = ("all",) if is_theirs else ("all", "own")
    return [
        action
        for action, far in permissions.items()
        if reach(principal, action) not in (far_enough if far == "own" else ("all",))
    ]


def signed_in_person(principal: Principal) -> str:
    """Return the id of the person who acts by hand.

    Raises:
        NotAllowed: the caller is no person, or a program that has a person's key.
    """
    if principal.kind != "member" or not principal.person_id:
        raise NotAllowed(
            "A key is no person: it has no sessions and no second factor. Sign in to see yours.",
            extra={"required": "a session", "granted": []},
        )
    return principal.person_id


def own_person(principal: Principal) -> str:
    """Return the id of the person who acts by hand, for what belongs to them in whatever workspace.

    Raises:
        NotAllowed: the caller is none; or their session was opened by a workspace's identity provider, which speaks
            for that workspace only.
    """
    person_id = signed_in_person(principal)
    if principal.is_bound:
        raise NotAllowed(BOUND, code="bound_session")
    return person_id


def _is_open(principal: Principal, action: Action) -> bool:
    if principal.scopes and action not in principal.scopes:
        return False
    return not (principal.environment_id and action in WORKSPACE_WIDE)


def authorize(
    principal: Principal,
    action: Action,
    *,
    workspace_id: str | None = None,
    owners: tuple[str | None, ...] = (),
    agent_id: str | None = None,
    environment_id: str | None = None,
    place: Place | None = None,
) -> None:
    """Return quietly, or refuse.

    Without `owners` and `agent_id` it is asked about a list or a creation: then `own`, or a grant on any agent, is
    enough, and the query itself narrows to what they cover.

    Args:
        owners: the ids for whom the object is their own.
        agent_id: the agent that the object is, or belongs to; grants on it count.
        place: the environment in which a revision is to go live; it may ask for more than the right to deploy.

    Raises:
        NotFound: the object is another workspace's (or outside the key's environment): its existence is not told.
        NotAllowed: neither the role nor a grant reaches this far, or the key's scopes do not.
    """
    if workspace_id is not None and workspace_id != principal.workspace_id:
        raise NotFound("There is no such thing in this workspace.")
    where = place.id if place is not None else environment_id
    if where and principal.environment_id and where != principal.environment_id:
        raise NotFound("There is no such thing in this key's environment.")
    if principal.environment_id and action in WORKSPACE_WIDE:
        raise _refusal(
            principal,
            action,
            f"{principal.name} is a key for one environment, and this concerns the whole workspace. "
            "Use a key that is not bound to an environment.",
        )
    if principal.scopes and action not in principal.scopes and action in principal.permissions:
        raise _refusal(
            principal,
            action,
            f"The key of {principal.name} was not made for this: {action} is not among its scopes. "
            "Use another key, or make one that may.",
        )
    if not _may(principal, action, owners, agent_id):
        raise _refusal(
            principal,
            action,
            f"{principal.name} may not do this here ({action}). "
            f"It takes {_who_can(action)}; ask an administrator of this workspace.",
        )
    if place is not None and place.is_deploy_restricted and not _may_deploy_where_restricted(principal, agent_id):
        raise _refusal(
            principal,
            action,
            f"{place.name} takes revisions only from administrators and from whoever holds the level deployer or admin "
            f"on this agent; {principal.name} does not. Ask for the level on the agent's Access page.",
        )


def _may(principal: Principal, action: Action, owners: tuple[str | None, ...], agent_id: str | None) -> bool:
    if not _is_open(principal, action):
        return False
    if principal.is_last_resort and action in EMERGENCY:
        return True
    far = principal.permissions.get(action)
    if far == "all" or (far == "own" and principal.id in owners):
        return True
    if agent_id is not None:
        return any(action in LEVEL_ACTIONS[level] for level in principal.grants.get(agent_id, ()))
    return not owners and (far == "own" or is_granted_somewhere(principal, action))


def is_granted_somewhere(principal: Principal, action: Action) -> bool:
    """Return whether a grant on any agent lets the caller do `action` there."""
    wanted = frozenset(granted_levels(principal, action))
    return any(wanted & held for held in principal.grants.values())


def _may_deploy_where_restricted(principal: Principal, agent_id: str | None) -> bool:
    # Asked of the role, not of a key's scopes: whoever makes a key that may deploy has this right, or the key has not.
    if principal.permissions.get("environment.manage") == "all":
        return True
    return bool(DEPLOYING & principal.grants.get(agent_id or "", frozenset()))


def can(
    principal: Principal,
    action: Action,
    *,
    owners: tuple[str | None, ...] = (),
    agent_id: str | None = None,
    environment_id: str | None = None,
    place: Place | None = None,
) -> bool:
    """Return whether `authorize` would agree; for showing or hiding a button, never instead of it."""
    try:
        authorize(principal, action, owners=owners, agent_id=agent_id, environment_id=environment_id, place=place)
    except (NotAllowed, NotFound):
        return False
    return True


def _refusal(principal: Principal, action: Action, text: str) -> NotAllowed:
    granted = sorted(one for one in ACTIONS if reach(principal, one))
    return NotAllowed(text, extra={"required": action, "granted": granted, "role": principal.role})


def _who_can(action: Action) -> str:
    roles = [role for role in ROLES if PERMISSIONS[role].get(action) == "all"]
    levels = levels_with(action)
    # From the least: it is the one to ask for. Viewers read what managers do not, so the roles are no ladder there.
    found = f"the role {roles[-1]} or higher" if roles and roles == list(ROLES[: len(roles)]) else ""
    if not found:
        found = f"one of the roles {', '.join(roles)}" if roles else "another role"
    return f"{found}, or the level {' or '.join(levels)} on the agent" if levels else found
