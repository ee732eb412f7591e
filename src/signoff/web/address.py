"""Where people and programs reach this server, for links and examples."""

from __future__ import annotations

from starlette.requests import Request

from signoff.web.house import house_of


def public_address(request: Request) -> str:
    """Return the operator's public address, else the one of this request; no slash at the end."""
    return (house_of(request).settings.public_url or str(request.base_url)).rstrip("/")
