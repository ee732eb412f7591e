"""The steps from one schema to the next, in order. Each is additive: the old release still serves while it runs.

A release is named by its newest step. `FLOOR` is the oldest one that may work on the schema of this one; the database
keeps it, so that a process of an older release knows whether it may start (`tables.migrate`). What a step takes away,
or asks of rows that older code writes, goes in two releases: one that no longer needs it, and a later one that removes
it. That later one is listed in `CONTRACTING` with its reason, and raises `FLOOR` to the first release that did without.
"""

from __future__ import annotations

# The first release that asks for it.
FLOOR = "0027"
# Step → why it may take something away. A contract test refuses every other step that does.
CONTRACTING: dict[str, str] = {}
