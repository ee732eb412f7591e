"""Every table, imported once, so that the metadata is whole."""

from __future__ import annotations

from signoff.tables import agents, connections, deployments, immutable, limits, ownership, people, record, runs, watch
from signoff.tables.base import Base

TABLES = (agents, connections, deployments, limits, ownership, people, record, runs, watch)
# What no program may change once written; its import also guards tables made straight from the metadata.
IMMUTABLE = immutable.IMMUTABLE
METADATA = Base.metadata
