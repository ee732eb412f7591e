"""The application: builds and wires everything once."""

from __future__ import annotations

from signoff.app.build import build_app, build_services
from signoff.app.checks import NotReadyToStart

__all__ = ["NotReadyToStart", "build_app", "build_services"]
