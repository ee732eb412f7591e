"""The states of an agent."""

from __future__ import annotations

from typing import Literal

# disabled: new runs are rejected, running ones finish.
AgentState = Literal["active", "disabled"]
