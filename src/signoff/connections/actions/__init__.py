"""The verbs of this room."""

from __future__ import annotations

from signoff.connections.actions.labels import set_tool_labels
from signoff.connections.actions.life import (
    create_connection,
    disable_connection,
    disconnect,
    edit_connection,
    enable_connection,
    reconnect,
)
from signoff.connections.actions.tools import Discovery, accept_tool, note_offer, record_discovery, set_tool_effect
from signoff.connections.health import record_health

__all__ = [
    "Discovery",
    "accept_tool",
    "create_connection",
    "disable_connection",
    "disconnect",
    "edit_connection",
    "enable_connection",
    "note_offer",
    "reconnect",
    "record_discovery",
    "record_health",
    "set_tool_effect",
    "set_tool_labels",
]
