"""The ways this room says no."""

from __future__ import annotations

from signoff.kit.errors import Malformed, NotNow


class MemoryOff(NotNow):
    """The agent has no memory there, or the caller has none of their own."""


class MemoryFull(NotNow):
    """There are as many entries as the revision allows."""


class MemoryScopeFixed(NotNow):
    """The agent has run in production with memory of another scope. `extra` names both."""


class EntryChanged(NotNow):
    """Somebody changed the entry since the caller read it. `extra` holds its version."""


class EntryTooLong(Malformed):
    """The text has more characters than the revision allows."""
