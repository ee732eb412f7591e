"""What a freeze can be for."""

from __future__ import annotations

from typing import Literal, get_args

Scope = Literal["agent", "connection", "workspace"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
