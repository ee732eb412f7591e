"""Every table, imported once, so that the metadata is whole."""

from __future__ import annotations

from signoff.tables import agents, connections, deployments, identity, immutable, limits, people, record, runs, watch
from signoff.tables.base import Base

TABLES = (agents, connections, deployments, identity, limits, people, record, runs, watch)
# What no program may change once written; its import also guards tables made straight from the metadata.
IMMUTABLE = immutable.IMMUTABLE
METADATA = Base.metadata
