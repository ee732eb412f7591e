"""The states of an agent."""

from __future__ import annotations

from typing import Literal

# disabled: new runs are rejected, running ones finish.
AgentState = Literal["active", "disabled"]

# How a version of a draft came to be.
SaveKind = Literal["created", "saved", "undone", "redone", "reset"]
