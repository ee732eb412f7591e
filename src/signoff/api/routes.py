"""Every resource of the API, once. Those with an address of their own come before those under a workspace."""

from __future__ import annotations

from signoff.api import (
    agents,
    alerts,
    audit,
    bundles,
    connections,
    drafts,
    effects,
    events,
    execute,
    health,
    identity_providers,
    keys,
    limits,
    members,
    metrics,
    orchestrations,
    revisions,
    runs,
    secrets,
    workspaces,
)

ROUTERS = (
    health.router,
    metrics.router,
    orchestrations.router,
    workspaces.router,
    members.router,
    keys.router,
    identity_providers.router,
    bundles.router,
    agents.router,
    drafts.router,
    revisions.router,
    execute.router,
    runs.router,
    events.router,
    effects.router,
    connections.router,
    secrets.router,
    limits.router,
    alerts.router,
    audit.router,
)
