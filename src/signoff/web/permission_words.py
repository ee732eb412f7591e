"""Every action of the permission table, in words."""

from __future__ import annotations

from signoff.people.roles import Action, Role

ACTION_WORDS: dict[Action, str] = {
    "workspace.read": "See the workspace and its environments",
    "workspace.manage": "Change the workspace",
    "member.read": "See the members",
    "member.manage": "Invite members, change roles, remove",
    "key.read": "See API keys",
    "key.manage": "Make, rotate and revoke API keys",
    "identity.manage": "Set up single sign-on",
    "audit.read": "Read and export the audit log",
    "connection.read": "See connections and their tools",
    "connection.manage": "Make and change connections, accept tools",
    "connection.test": "Test connections, discover tools",
    "secret.read": "See which secrets there are",
    "secret.manage": "Enter, replace and delete secrets",
    "agent.read": "See agents and their revisions",
    "agent.create": "Make agents",
    "agent.edit": "Change drafts, freeze revisions",
    "agent.deploy": "Make a revision live",
    "agent.disable": "Disable and enable agents",
    "run.read": "See runs and their steps",
    "run.start": "Start runs",
    "run.cancel": "Cancel runs",
    "effect.read": "See calls with an unknown outcome",
    "effect.settle": "Settle what happened",
    "freeze.order": "Freeze writing, lift a freeze",
    "budget.read": "See spend and limits",
    "budget.manage": "Change limits and prices",
    "alert.read": "See alerts",
    "alert.resolve": "Resolve alerts",
}
AREA_WORDS: dict[str, str] = {
    "workspace": "Workspace",
    "member": "Members",
    "key": "API keys",
    "identity": "Single sign-on",
    "audit": "Audit",
    "connection": "Connections",
    "secret": "Secrets",
    "agent": "Agents",
    "run": "Runs",
    "effect": "Reconciliation",
    "freeze": "Freezes",
    "budget": "Money",
    "alert": "Alerts",
}
ROLE_WORDS: dict[Role, tuple[str, str]] = {
    "owner": ("Owner", "Everything, and makes other owners. There is always at least one."),
    "administrator": ("Administrator", "Everything but making owners."),
    "manager": ("Manager", "Runs the floor: every agent, every run, freezes and alerts."),
    "builder": ("Builder", "Builds: own agents, all connections and secrets."),
    "member": ("Member", "Gives agents work, and sees what became of it."),
    "viewer": ("Viewer", "Reads everything about runs and agents, changes nothing."),
}
