"""Every table, imported once, so that the metadata is whole."""

from __future__ import annotations

from signoff.tables import (
    agents,
    approvals,
    bundles,
    caps,
    connections,
    deployments,
    evaluations,
    follow_ups,
    identity,
    immutable,
    inbox,
    incidents,
    installation,
    limits,
    memory,
    notices,
    ownership,
    people,
    probes,
    record,
    releases,
    runs,
    signals,
    stops,
    walls,
    watch,
    webhooks,
)
from signoff.tables.base import Base

TABLES = (
    agents, approvals, bundles, caps, connections, deployments, evaluations, follow_ups, identity, inbox, incidents,
    installation, limits, memory, notices, ownership, people, probes, record, releases, runs, signals, stops, watch,
    webhooks,
)  # fmt: skip
# What no program may change once written; its import also guards tables made straight from the metadata.
IMMUTABLE = immutable.IMMUTABLE
# What stands outside the wall between workspaces; its import puts the others behind it.
OUTSIDE_WALLS = walls.OUTSIDE
METADATA = Base.metadata
