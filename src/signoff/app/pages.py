"""Puts the pages and the browser files on the application."""

from __future__ import annotations

from fastapi import FastAPI

from signoff.web import pages, shell, switching
from signoff.web.assets import serve_asset


def add_pages(app: FastAPI) -> None:
    """Add every page's routes."""
    app.add_route("/static/{name:path}", serve_asset, include_in_schema=False)
    app.include_router(shell.router)
    app.include_router(switching.router)
    app.include_router(shell.inside, prefix=pages.BASE)
    app.include_router(pages.routers())
