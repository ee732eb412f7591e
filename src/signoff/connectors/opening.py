"""Which code opens which kind of connection. A new kind is one folder and one function here.

Each is imported when its first connection is opened: the library for MCP alone holds 16 MB, and many a process never
speaks it.
"""

# ruff: noqa: PLC0415  Every import in a function here is the point of this file.

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from signoff.connectors import faults
from signoff.connectors.protocol import Link
from signoff.settings import Settings


async def _mcp_http(settings: Settings, config: Mapping[str, Any]) -> Link:
    from signoff.connectors.mcp.link import open_mcp_http

    return await open_mcp_http(settings, config)


async def _mcp_stdio(settings: Settings, config: Mapping[str, Any]) -> Link:
    from signoff.connectors.mcp.link import open_mcp_stdio

    return await open_mcp_stdio(settings, config)


async def _openapi(settings: Settings, config: Mapping[str, Any]) -> Link:
    from signoff.connectors.openapi.link import open_openapi

    return await open_openapi(settings, config)


async def _mail(settings: Settings, config: Mapping[str, Any]) -> Link:
    from signoff.connectors.mail.link import open_mail

    return await open_mail(settings, config)


async def _files(settings: Settings, config: Mapping[str, Any]) -> Link:
    from signoff.connectors.files.link import open_files

    return await open_files(settings, config)


OPENERS: dict[str, Callable[[Settings, Mapping[str, Any]], Awaitable[Link]]] = {
    "mcp_http": _mcp_http,
    "mcp_stdio": _mcp_stdio,
    "openapi": _openapi,
    "mail": _mail,
    "files": _files,
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
