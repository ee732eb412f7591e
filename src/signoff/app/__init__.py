"""The application: builds and wires everything once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signoff.app.build import build_app, build_services
    from signoff.app.checks import NotReadyToStart

__all__ = ["NotReadyToStart", "build_app", "build_services"]

_PLACES = {"NotReadyToStart": "checks", "build_app": "build", "build_services": "build"}


def __getattr__(name: str) -> Any:
    """Load a part when it is first asked for: a command that only reads the database must not wait for the server."""
    if name not in _PLACES:
        raise AttributeError(name)
    return getattr(import_module(f"signoff.app.{_PLACES[name]}"), name)
