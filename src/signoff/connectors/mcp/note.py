"""What one HTTP exchange was, kept beside the call that caused it: the MCP client tells a caller less than we need."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from signoff.kit.errors import ConnectorError


@dataclass(slots=True)
class Note:
    """Filled in by the HTTP end during one call, from the exchange that carries the call and from no other.

    Args:
        not_sent: why the request never left, when it did not.
        broken: how the answer broke off, when it did.
    """

    status: int | None = None
    retry_after: str | None = None
    challenge: str = ""
    not_sent: ConnectorError | None = None
    broken: str | None = None


# The client's streams carry the caller's context to the task that sends, so this names the right call.
NOTE: ContextVar[Note | None] = ContextVar("signoff_mcp_note", default=None)
