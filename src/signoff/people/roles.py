"""Who may do what: one table of data. Roles by name, actions by `noun.verb`, reach `all` or `own`.

`own` means: the agent's owner or backup, the run's requester, the key's owner. The docs page, the settings page and
`authorize` all read this table; nothing else decides. Roles a workspace makes for itself are rows (`custom_roles.py`);
what a person may do with one agent beyond their role is a grant (`levels.py`).
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
    "owner.manage",
    "role.read",
    "role.manage",
    "environment.manage",
    "key.read",
    "key.manage",
    "identity.manage",
    "service_account.read",
    "service_account.manage",
    "audit.read",
    "connection.read",
    "connection.manage",
    "connection.test",
    "secret.read",
    "secret.manage",
    "secret.manage_personal",
    "agent.read",
    "agent.create",
    "agent.edit",
    "agent.deploy",
    "agent.disable",
    "agent.share",
    "agent.assign",
    "dataset.edit",
    "evaluation.run",
    "run.read",
    "run.start",
    "run.cancel",
    "effect.read",
    "effect.settle",
    "approval.read",
    "approval.decide",
    "approval.assign",
    "freeze.order",
    "budget.read",
    "budget.manage",
    "alert.read",
    "alert.resolve",
    "incident.declare",
    "incident.manage",
    "webhook.manage",
]

ROLES: tuple[Role, ...] = get_args(Role)
ACTIONS: tuple[Action, ...] = get_args(Action)

_READS: dict[Action, Reach] = {
    "workspace.read": "all",
    "member.read": "all",
    "role.read": "all",
    "connection.read": "all",
    "agent.read": "all",
    "alert.read": "all",
}
_VIEWER: dict[Action, Reach] = {
    **_READS,
    "run.read": "all",
    "budget.read": "all",
    "effect.read": "all",
    "approval.read": "all",
}
_MEMBER: dict[Action, Reach] = {
    **_READS,
    "key.read": "own",
    "key.manage": "own",
    "run.read": "own",
    "run.start": "all",
    "run.cancel": "own",
    # Whoever is asked, and whoever asked for the run, sees the request; only whoever is asked may answer it.
    "approval.read": "own",
    "approval.decide": "own",
}
_BUILDER: dict[Action, Reach] = {
    **_MEMBER,
    "secret.read": "all",
    "budget.read": "all",
    "connection.test": "all",
    "secret.manage_personal": "own",
    "agent.create": "all",
    "agent.edit": "own",
    "agent.deploy": "own",
    "agent.disable": "own",
    "agent.share": "own",
    "agent.assign": "own",
    "dataset.edit": "own",
    "evaluation.run": "own",
    "effect.read": "own",
    "effect.settle": "own",
    "incident.declare": "own",
    "incident.manage": "own",
}
_MANAGER: dict[Action, Reach] = {
    **_BUILDER,
    "connection.manage": "all",
    "secret.manage": "all",
    "agent.edit": "all",
    "agent.deploy": "all",
    "agent.disable": "all",
    "agent.assign": "all",
    "dataset.edit": "all",
    "evaluation.run": "all",
    # The results of everybody's runs are an administrator's to see; calling one off in an emergency is a manager's.
    "run.cancel": "all",
    "effect.read": "all",
    "effect.settle": "all",
    "approval.read": "all",
    "approval.assign": "all",
    "freeze.order": "all",
    "alert.resolve": "all",
    "incident.declare": "all",
    "incident.manage": "all",
}
# What no other role may have, also not one a workspace makes for itself.
OWNER_ONLY: frozenset[Action] = frozenset(("owner.manage",))
_OWNER: dict[Action, Reach] = dict.fromkeys(ACTIONS, "all")
_ADMINISTRATOR: dict[Action, Reach] = {action: "all" for action in ACTIONS if action not in OWNER_ONLY}

PERMISSIONS: dict[Role, dict[Action, Reach]] = {
    "owner": _OWNER,
    "administrator": _ADMINISTRATOR,
    "manager": _MANAGER,
    "builder": _BUILDER,
    "member": _MEMBER,
    "viewer": _VIEWER,
}

# What is done to one agent, run or act, and so can be somebody's own. Everything else is all or nothing: `own` would
# have no owner to ask for.
OWNABLE: frozenset[Action] = frozenset(
    (
        "agent.read",
        "agent.edit",
        "agent.deploy",
        "agent.disable",
        "agent.share",
        "agent.assign",
        "dataset.edit",
        "evaluation.run",
        "run.read",
        "run.start",
        "run.cancel",
        "effect.read",
        "effect.settle",
        "approval.read",
        "approval.decide",
        "incident.declare",
        "incident.manage",
        "secret.manage_personal",
        "key.read",
        "key.manage",
    )
)

# What every role has, also one that a workspace makes for itself: a page to stand on, and on it what is one's own.
FLOOR: dict[Action, Reach] = {"workspace.read": "all", "agent.read": "own", "run.read": "own"}

# Who may be named as the owner of last resort, and what that person may do to any agent whatever else is said.
ADMINISTRATORS: tuple[Role, ...] = ("owner", "administrator")
EMERGENCY: frozenset[Action] = frozenset(("agent.disable", "run.cancel", "freeze.order", "connection.manage"))

# What reaches beyond any one environment: a key that is bound to one cannot do it. Whoever may make members may make
# one who is bound to nothing.
WORKSPACE_WIDE: frozenset[Action] = frozenset(
    (
        "workspace.manage",
        "member.manage",
        "owner.manage",
        "role.manage",
        "environment.manage",
        "identity.manage",
        "service_account.manage",
        "agent.disable",
        "agent.share",
        "agent.assign",
        "budget.manage",
        "freeze.order",
        "incident.declare",
        "incident.manage",
        "audit.read",
        "webhook.manage",
    )
)

# What an API key may be asked to do, by preset. A key's scopes only ever narrow its role.
KEY_PRESETS: dict[str, tuple[Role, tuple[Action, ...]]] = {
    "runner": ("administrator", ("workspace.read", "agent.read", "run.read", "run.start", "run.cancel")),
    "builder": (
        "administrator",
        (
            "workspace.read",
            "agent.read",
            "agent.create",
            "agent.edit",
            "connection.read",
            "connection.test",
            "secret.read",
            "dataset.edit",
            "evaluation.run",
            "run.read",
            "run.start",
            "run.cancel",
        ),
    ),
    "read-only": ("viewer", ()),
    "deployer": ("administrator", ("workspace.read", "agent.read", "agent.deploy", "run.read", "run.start")),
    "admin": ("administrator", ()),
}
