"""Every table, imported once, so that the metadata is whole."""

from __future__ import annotations

from signoff.tables import agents, connections, deployments, limits, people, record, runs, watch
from signoff.tables.base import Base

TABLES = (agents, connections, deployments, limits, people, record, runs, watch)
METADATA = Base.metadata
