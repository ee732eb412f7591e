"""The pages as an application without a worker, and clients that are signed in. For tests, and for looking:
``python -m tests.web.kit_pages 8798`` serves the seeded workspace and prints a link that signs in."""

from __future__ import annotations

import base64
import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI, Request
from pydantic import SecretStr
from starlette.responses import RedirectResponse, Response
from starlette.testclient import TestClient

from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.connectors.net import guard_of
from signoff.demo import script
from signoff.gateways.model.providers.scripted import forget_script
from signoff.gateways.services import Services
from signoff.kit.errors import Refusal
from signoff.kit.sealing import Sealer
from signoff.people.entrance import Entrance
from signoff.people.single_sign_on import SingleSignOn
from signoff.settings import Settings
from signoff.tables.session import Store
from signoff.web.assets import serve_asset
from signoff.web.identity import SignInNeeded, sign_in_address
from signoff.web.pages import routers
from signoff.web.problem import refusal_page
from signoff.web.security import SameOrigin, SecurityHeaders
from tests.web.seed import Seeded, seed


@contextmanager
def demo_model() -> Generator[None]:
    """Make the scripted model known that the seeded agents name: without it their drafts cannot be frozen."""
    script.register()
    yield
    forget_script(script.NAME)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    if isinstance(error, SignInNeeded) and request.method == "GET":
        return RedirectResponse(sign_in_address(request, error.code), status_code=303)
    return refusal_page(request, error)


class _Ready:
    """No worker runs beside these pages, and nobody is told so."""

    async def checks(self) -> dict[str, str]:
        return {"database": "ok", "migrations": "ok", "worker": "ok"}


class _AtWork:
    """There is no maintenance, and nobody reads that from the database once a second: tests count the reads."""

    async def standing(self) -> None:
        return None


def pages_app(store: Store, settings: Settings) -> FastAPI:
    """Every page, on this database."""
    app = FastAPI(openapi_url=None)
    services = Services.build(settings, store, Vault(load_keys(settings)))
    entrance = Entrance(
        store,
        Sealer(services.vault.keys),
        attempts_per_minute=settings.sign_in_per_minute,
        session_seconds=86_400,
        reset_link_seconds=settings.reset_link_seconds if settings.smtp_url else None,
    )
    app.state.house = SimpleNamespace(
        settings=settings,
        store=store.for_requests(),
        services=services,
        entrance=entrance,
        single_sign_on=SingleSignOn(
            store, Sealer(services.vault.keys), guard_of(settings), attempts_per_minute=1_000, session_seconds=86_400
        ),
        readiness=_Ready(),
        lookout=_AtWork(),
    )
    app.include_router(routers())
    app.add_route("/static/{name:path}", serve_asset)
    app.add_exception_handler(Refusal, _refused)
    app.add_middleware(SameOrigin)
    app.add_middleware(SecurityHeaders)
    return app


def browser_of(app: Any, seeded: Seeded | None = None, who: str = "mei") -> TestClient:
    """A client that behaves like a browser without script; signed in as `who` when there is a workspace."""
    client = TestClient(app, base_url="http://testserver", follow_redirects=False)
    client.headers["sec-fetch-site"] = "same-origin"
    client.headers["accept"] = "text/html"
    if seeded is not None:
        client.cookies.set("session", seeded.cookies[who])
    return client


HTMX = {"hx-request": "true", "hx-request-type": "partial"}


if __name__ == "__main__":
    import uvicorn

    from signoff.tables.all_tables import METADATA

    folder = Path(tempfile.mkdtemp(prefix="signoff-pages-"))
    own = Settings(
        data_dir=folder,
        secret_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
        allow_scripted_models=True,
        allow_loopback=True,
    )
    opened = Store.open(own.store_url)
    METADATA.create_all(opened.engine)
    made = seed(opened)
    print(f"session cookies: {made.cookies}", flush=True)
    with demo_model():
        uvicorn.run(pages_app(opened, own), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
