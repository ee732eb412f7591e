"""Every table, imported once, so that the metadata is whole."""

from __future__ import annotations

from signoff.tables import (
    agents,
    approvals,
    connections,
    deployments,
    identity,
    immutable,
    limits,
    notices,
    ownership,
    people,
    record,
    runs,
    walls,
    watch,
)
from signoff.tables.base import Base

TABLES = (
    agents,
    approvals,
    connections,
    deployments,
    identity,
    limits,
    notices,
    ownership,
    people,
    record,
    runs,
    watch,
)
# What no program may change once written; its import also guards tables made straight from the metadata.
IMMUTABLE = immutable.IMMUTABLE
# What stands outside the wall between workspaces; its import puts the others behind it.
OUTSIDE_WALLS = walls.OUTSIDE
METADATA = Base.metadata
