"""Who may do what: one table of data. Roles by name, actions by `noun.verb`, reach `all` or `own`.

`own` means: the agent's owner or backup, the run's requester. The docs page, the settings page and `authorize` all
read this table; nothing else decides.
"""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["owner", "administrator", "manager", "builder", "member", "viewer"]
Reach = Literal["all", "own"]
Action = Literal[
    "workspace.read",
    "workspace.manage",
    "member.read",
    "member.manage",
    "key.read",
    "key.manage",
    "identity.manage",
    "audit.read",
    "connection.read",
    "connection.manage",
    "connection.test",
    "secret.read",
    "secret.manage",
    "agent.read",
    "agent.create",
    "agent.edit",
    "agent.deploy",
    "agent.disable",
    "run.read",
    "run.start",
    "run.cancel",
    "effect.read",
    "effect.settle",
    "freeze.order",
    "budget.read",
    "budget.manage",
    "alert.read",
    "alert.resolve",
]

ROLES: tuple[Role, ...] = get_args(Role)
ACTIONS: tuple[Action, ...] = get_args(Action)

_READS: dict[Action, Reach] = {
    "workspace.read": "all",
    "connection.read": "all",
    "agent.read": "all",
    "alert.read": "all",
}
_VIEWER: dict[Action, Reach] = {**_READS, "run.read": "all", "budget.read": "all", "effect.read": "all"}
_MEMBER: dict[Action, Reach] = {**_READS, "run.read": "own", "run.start": "all", "run.cancel": "own"}
_BUILDER: dict[Action, Reach] = {
    **_MEMBER,
    "member.read": "all",
    "secret.read": "all",
    "budget.read": "all",
    "connection.test": "all",
    "connection.manage": "all",
    "secret.manage": "all",
    "agent.create": "all",
    "agent.edit": "own",
    "agent.deploy": "own",
    "agent.disable": "own",
    "effect.read": "all",
    "effect.settle": "own",
    "run.read": "own",
}
_MANAGER: dict[Action, Reach] = {
    **_BUILDER,
    "agent.edit": "all",
    "agent.deploy": "all",
    "agent.disable": "all",
    "run.read": "all",
    "run.cancel": "all",
    "effect.settle": "all",
    "freeze.order": "all",
    "alert.resolve": "all",
}
_ADMINISTRATOR: dict[Action, Reach] = dict.fromkeys(ACTIONS, "all")

PERMISSIONS: dict[Role, dict[Action, Reach]] = {
    "owner": dict(_ADMINISTRATOR),
    "administrator": _ADMINISTRATOR,
    "manager": _MANAGER,
    "builder": _BUILDER,
    "member": _MEMBER,
    "viewer": _VIEWER,
}

# What reaches beyond any one environment: a key that is bound to one cannot do it. Whoever may make members may make
# one who is bound to nothing.
WORKSPACE_WIDE: frozenset[Action] = frozenset(
    ("workspace.manage", "member.manage", "identity.manage", "budget.manage", "freeze.order", "audit.read")
)

# What an API key may be asked to do, by preset. A key's scopes only ever narrow its role.
KEY_PRESETS: dict[str, tuple[Role, tuple[Action, ...]]] = {
    "runner": ("manager", ("workspace.read", "agent.read", "run.read", "run.start", "run.cancel")),
    "builder": (
        "manager",
        (
            "workspace.read",
            "agent.read",
            "agent.create",
            "agent.edit",
            "connection.read",
            "connection.test",
            "secret.read",
            "run.read",
            "run.start",
            "run.cancel",
        ),
    ),
    "read-only": ("viewer", ()),
    "deployer": ("manager", ("workspace.read", "agent.read", "agent.deploy", "run.read", "run.start")),
    "admin": ("administrator", ()),
}
