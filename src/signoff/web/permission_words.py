"""Every action of the permission table, in words."""

from __future__ import annotations

from signoff.people.levels import Level
from signoff.people.roles import Action, Role

ACTION_WORDS: dict[Action, str] = {
    "workspace.read": "See the workspace and its environments",
    "workspace.manage": "Change the workspace",
    "environment.manage": "Make and change environments, and say who may deploy there",
    "member.read": "See the members",
    "member.manage": "Invite members, change roles, remove",
    "owner.manage": "Make and change owners",
    "role.read": "See the roles and what they allow",
    "role.manage": "Make, change and delete roles of this workspace",
    "key.read": "See API keys",
    "key.manage": "Make, rotate and revoke API keys",
    "identity.manage": "Set up single sign-on",
    "service_account.read": "See service accounts",
    "service_account.manage": "Make, change and disable service accounts",
    "audit.read": "Read and export the audit log",
    "connection.read": "See connections and their tools",
    "connection.manage": "Make and change connections, accept tools",
    "connection.test": "Test connections, discover tools",
    "secret.read": "See which secrets there are",
    "secret.manage": "Enter, replace and delete secrets, and grant them to agents",
    "secret.manage_personal": "Replace, grant and delete personal logins",
    "agent.read": "See agents and their revisions",
    "agent.create": "Make agents",
    "agent.edit": "Change drafts, freeze revisions",
    "agent.deploy": "Make a revision live",
    "agent.disable": "Disable and enable agents",
    "agent.share": "Give and take back grants on an agent",
    "agent.assign": "Say who answers for an agent, hand it over",
    "dataset.edit": "Change datasets, their examples, and how answers are scored",
    "evaluation.run": "Evaluate revisions on a dataset, and call that off",
    "run.read": "See runs and their steps",
    "run.start": "Start runs",
    "run.cancel": "Cancel runs",
    "effect.read": "See calls with an unknown outcome",
    "effect.settle": "Settle what happened",
    "approval.read": "See what waits for a person, and what was decided",
    "approval.decide": "Answer what they are asked",
    "approval.assign": "Say who answers instead of whom, and while somebody is away",
    "freeze.order": "Freeze writing, lift a freeze",
    "budget.read": "See spend and limits",
    "budget.manage": "Change limits and prices",
    "alert.read": "See alerts",
    "alert.resolve": "Resolve alerts",
    "incident.declare": "Declare incidents",
    "incident.manage": "See to incidents, write their postmortem",
    "webhook.manage": "Have events told to addresses outside, with what was sent",
}
AREA_WORDS: dict[str, str] = {
    "workspace": "Workspace",
    "environment": "Environments",
    "member": "Members",
    "owner": "Owners",
    "role": "Roles",
    "key": "API keys",
    "identity": "Single sign-on",
    "service_account": "Service accounts",
    "audit": "Audit",
    "connection": "Connections",
    "secret": "Secrets",
    "agent": "Agents",
    "dataset": "Datasets",
    "evaluation": "Evaluations",
    "run": "Runs",
    "effect": "Reconciliation",
    "approval": "Approvals",
    "freeze": "Freezes",
    "budget": "Money",
    "alert": "Alerts",
    "incident": "Incidents",
    "webhook": "Webhooks",
}
ROLE_WORDS: dict[Role, tuple[str, str]] = {
    "owner": ("Owner", "Everything, and makes other owners. There is always at least one."),
    "administrator": ("Administrator", "Everything but making owners."),
    "manager": (
        "Manager",
        "Answers for every agent, its connections and secrets; sees their own runs.",
    ),
    "builder": ("Builder", "Builds and deploys own agents, with the connections there are."),
    "member": ("Member", "Gives agents work, and sees what became of it."),
    "viewer": ("Viewer", "Reads everything about runs and agents, changes nothing."),
}
LEVEL_WORDS: dict[Level, tuple[str, str]] = {
    "viewer": ("Viewer", "Sees the agent and reads its runs."),
    "operator": ("Operator", "Starts and cancels runs, settles what happened."),
    "editor": ("Editor", "Changes the draft, freezes revisions, tries them out. Makes nothing live."),
    "deployer": ("Deployer", "Makes revisions live, disables and enables. Changes no draft."),
    "admin": ("Admin", "All of these, and gives levels to others."),
}
# What somebody may do to one agent, in one or two words.
ON_AGENT_WORDS: dict[Action, str] = {
    "agent.read": "see",
    "run.read": "read runs",
    "run.start": "run",
    "run.cancel": "cancel",
    "agent.edit": "edit",
    "agent.deploy": "deploy",
    "agent.disable": "disable",
    "agent.share": "share",
}


def role_name(slug: str, name: str = "") -> str:
    """Return what a role is called: a built-in one by its word, one of the workspace's own by the name it was given."""
    found = next((words[0] for role, words in ROLE_WORDS.items() if role == slug), None)
    return found or name or slug
