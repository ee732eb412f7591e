"""Which code opens which kind of connection. A new kind is one folder and one line here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from signoff.connectors import faults
from signoff.connectors.files.link import open_files
from signoff.connectors.mail.link import open_mail
from signoff.connectors.mcp.link import open_mcp_http, open_mcp_stdio
from signoff.connectors.openapi.link import open_openapi
from signoff.connectors.protocol import Link
from signoff.settings import Settings

OPENERS: dict[str, Callable[[Settings, Mapping[str, Any]], Awaitable[Link]]] = {
    "mcp_http": open_mcp_http,
    "mcp_stdio": open_mcp_stdio,
    "openapi": open_openapi,
    "mail": open_mail,
    "files": open_files,
}


async def open_link(settings: Settings, kind: str, config: Mapping[str, Any]) -> Link:
    """Open a link of `kind`.

    Raises:
        ConnectorError: the kind is not known, the configuration is wrong, or the system cannot be reached.
    """
    opener = OPENERS.get(kind)
    if opener is None:
        raise faults.fault(faults.BAD_CONFIG, f"There is no connector of kind {faults.quoted(kind)}.")
    return await opener(settings, config)
