"""Where a token stands in what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def with_bearer(config: Mapping[str, Any], token: str) -> dict[str, Any]:
    """Return a connection's configuration with the token in its headers, in place of any other login there."""
    given: Any = config.get("headers") or {}
    headers = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    kept = {name: text for name, text in headers.items() if name.lower() != "authorization"}
    return {**config, "headers": {**kept, "Authorization": f"Bearer {token}"}}
