"""The pages. Each is a folder; a new one is an import and a line here.

`ENTRY` is for visitors. `INSIDE` lies under `/w/{workspace}` and needs a signed-in member of it; its addresses are
written with `chrome.href("/agents")`, which puts the workspace before them.
"""

from __future__ import annotations

from fastapi import APIRouter

from signoff.web.pages.agent_access.route import router as agent_access
from signoff.web.pages.agent_dataset.route import router as agent_dataset
from signoff.web.pages.agent_diff.route import router as agent_diff
from signoff.web.pages.agent_editor.route import router as agent_editor
from signoff.web.pages.agent_emergency.route import router as agent_emergency
from signoff.web.pages.agent_evaluations.route import router as agent_evaluations
from signoff.web.pages.agent_evaluators.route import router as agent_evaluators
from signoff.web.pages.agent_follow_up.route import router as agent_follow_up
from signoff.web.pages.agent_handover.route import router as agent_handover
from signoff.web.pages.agent_memory.route import router as agent_memory
from signoff.web.pages.agent_new.route import router as agent_new
from signoff.web.pages.agent_overview.route import router as agent_overview
from signoff.web.pages.agent_owners.route import router as agent_owners
from signoff.web.pages.agent_revision.route import router as agent_revision
from signoff.web.pages.agent_revisions.route import router as agent_revisions
from signoff.web.pages.agent_run.route import router as agent_run
from signoff.web.pages.agent_runbook.route import router as agent_runbook
from signoff.web.pages.agent_tools.route import router as agent_tools
from signoff.web.pages.agent_vouchings.route import router as agent_vouchings
from signoff.web.pages.agents.route import router as agents
from signoff.web.pages.connection_detail.route import router as connection_detail
from signoff.web.pages.connection_disconnect.route import router as connection_disconnect
from signoff.web.pages.connection_login.route import router as connection_login
from signoff.web.pages.connection_new.route import router as connection_new
from signoff.web.pages.connections.route import router as connections
from signoff.web.pages.decide.route import router as decide
from signoff.web.pages.evaluation_detail.route import router as evaluation_detail
from signoff.web.pages.evaluation_new.route import router as evaluation_new
from signoff.web.pages.first_run.route import router as first_run
from signoff.web.pages.forgotten.route import router as forgotten
from signoff.web.pages.home.route import router as home
from signoff.web.pages.inbox.many_route import router as inbox_many
from signoff.web.pages.inbox.route import router as inbox
from signoff.web.pages.incident_detail.route import router as incident_detail
from signoff.web.pages.incident_new.route import router as incident_new
from signoff.web.pages.incidents.route import router as incidents
from signoff.web.pages.instance_operation.route import router as instance_operation
from signoff.web.pages.instance_workspaces.route import router as instance_workspaces
from signoff.web.pages.oauth_callback.route import router as oauth_callback
from signoff.web.pages.profile.route import router as profile
from signoff.web.pages.profile_notices.route import router as profile_notices
from signoff.web.pages.reconciliation.route import router as reconciliation
from signoff.web.pages.release_detail.route import router as release_detail
from signoff.web.pages.release_new.route import router as release_new
from signoff.web.pages.release_pairs.route import router as release_pairs
from signoff.web.pages.releases.route import router as releases
from signoff.web.pages.run_detail.route import router as run_detail
from signoff.web.pages.runs.route import router as runs
from signoff.web.pages.second_factor.route import router as second_factor
from signoff.web.pages.second_step.route import router as second_step
from signoff.web.pages.secret_calendar.route import router as secret_calendar
from signoff.web.pages.secret_detail.route import router as secret_detail
from signoff.web.pages.secrets.route import router as secrets
from signoff.web.pages.serving.route import router as serving
from signoff.web.pages.settings_audit.route import router as settings_audit
from signoff.web.pages.settings_environments.route import router as settings_environments
from signoff.web.pages.settings_keys.route import router as settings_keys
from signoff.web.pages.settings_limits.route import router as settings_limits
from signoff.web.pages.settings_members.route import router as settings_members
from signoff.web.pages.settings_policy.route import router as settings_policy
from signoff.web.pages.settings_requests.route import router as settings_requests
from signoff.web.pages.settings_roles.route import router as settings_roles
from signoff.web.pages.settings_service_accounts.route import router as settings_service_accounts
from signoff.web.pages.settings_sign_in.route import router as settings_sign_in
from signoff.web.pages.settings_sso.route import router as settings_sso
from signoff.web.pages.settings_webhooks.route import router as settings_webhooks
from signoff.web.pages.settings_workspace.route import router as settings_workspace
from signoff.web.pages.sign_in.route import router as sign_in
from signoff.web.pages.sso.route import router as sso
from signoff.web.pages.stop_order.route import router as stop_order

ENTRY: tuple[APIRouter, ...] = (
    sign_in,
    sso,
    second_step,
    forgotten,
    first_run,
    decide,
    oauth_callback,
)
INSIDE: tuple[APIRouter, ...] = (
    home,
    inbox_many,  # Before one request: none is called "many".
    inbox,
    runs,
    run_detail,
    reconciliation,
    agents,
    agent_new,  # Before the pages of one agent: no agent's page is called "new".
    agent_overview,
    agent_runbook,
    agent_emergency,
    agent_vouchings,
    agent_editor,
    agent_tools,
    agent_access,
    agent_owners,
    agent_memory,
    agent_follow_up,
    agent_handover,
    agent_revisions,
    agent_revision,
    agent_diff,
    agent_evaluations,
    agent_dataset,
    agent_evaluators,
    evaluation_new,
    evaluation_detail,
    release_new,
    releases,
    release_detail,
    release_pairs,
    incidents,
    incident_new,  # Before the pages of one incident: none is called "new".
    incident_detail,
    serving,
    agent_run,
    stop_order,
    connections,
    connection_new,  # Before the pages of one connection.
    connection_detail,
    connection_login,
    connection_disconnect,
    secrets,
    secret_calendar,  # Before the pages of one secret: none is called "expiring".
    secret_detail,
    settings_members,
    settings_keys,
    settings_sso,
    settings_service_accounts,
    settings_limits,
    settings_audit,
    settings_roles,
    settings_sign_in,
    profile,
    profile_notices,
    second_factor,
    settings_webhooks,
    settings_workspace,
    settings_environments,
    settings_policy,
    instance_workspaces,
    instance_operation,
    settings_requests,
)

BASE = "/w/{workspace}"


def routers() -> APIRouter:
    """Return every page under its address. They are no part of the API's document."""
    every = APIRouter(include_in_schema=False)
    for router in ENTRY:
        every.include_router(router)
    for router in INSIDE:
        every.include_router(router, prefix=BASE)
    return every
