"""Where an API described by a document is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urljoin

from signoff.connectors import faults, net


def base_url_of(document: Mapping[str, Any], document_url: str | None) -> str:
    """Return the address operations are below: the document's first server.

    A document that was fetched may only name its own host: otherwise whoever serves it could send logins elsewhere.

    Raises:
        ConnectorError: it names none that can be used.
    """
    servers: Any = document.get("servers")
    listed = cast("list[Any]", servers) if isinstance(servers, list) else []
    first: Any = listed[0] if listed else None
    named = cast("dict[str, Any]", first).get("url", "") if isinstance(first, dict) else ""
    text = urljoin(document_url, str(named)) if document_url else str(named)
    if not text or "{" in text:
        raise faults.fault(faults.BAD_CONFIG, "The document names no server that can be used. Give the base address.")
    found = net.checked_url(text)
    if document_url and net.host_of(found) != net.host_of(document_url):
        raise faults.fault(
            faults.BAD_CONFIG,
            f"The document sends calls to another host, {net.host_of(found)}. Give the base address if that is meant.",
        )
    return found
