"""A connection with an OAuth login, in whatever state a test wants, and the clock that moves its token."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select, update

from signoff.connections.actions import create_connection
from signoff.connections.logins.authorising import begin_authorisation, complete_authorisation, returning
from signoff.connections.logins.setup import LoginSetup, set_up_login
from signoff.connections.vault import Vault
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.settings import Settings
from signoff.tables.connections import Login
from signoff.tables.record import OutboxMessage
from signoff.tables.session import Store
from tests.kit_oauth import Provider

BROWSER = "ses_of-this-browser"
BACK = "https://signoff.example.com/oauth/callback"


def setup_of(provider: Provider, **changes: Any) -> LoginSetup:
    values: dict[str, Any] = {
        "kind": "oauth_authorization_code",
        "token_url": f"{provider.url}/token",
        "authorize_url": f"{provider.url}/authorize",
        "revoke_url": f"{provider.url}/revoke",
        "issuer": provider.url,
        "client_id": "cli-1",
        "client_secret": "client-secret-1",
        "scopes": ("orders:read",),
        **changes,
    }
    return LoginSetup(**values)


class Desk:
    """One connection with a login, and who works on it."""

    def __init__(
        self, store: Store, vault: Vault, settings: Settings, who: Principal, environment_id: str, provider: Provider,
        url: str = "https://erp.example.com/mcp", **changes: Any,
    ) -> None:  # fmt: skip
        self.store, self.who, self.provider = store, who, provider
        self.services: Any = SimpleNamespace(vault=vault, settings=settings)
        with store.write() as session:
            self.connection_id = create_connection(
                session,
                who,
                environment_id=environment_id,
                slug="erp",
                name="ERP",
                kind="mcp_http",
                config={"url": url},
            )
            self.login_id = set_up_login(
                session, who, vault, self.connection_id, setup_of(provider, **changes), settings=settings
            )

    def row(self) -> Login:
        with self.store.read() as session:
            return session.get_one(Login, self.login_id)

    def change(self, **values: Any) -> None:
        with self.store.write() as session:
            session.execute(update(Login).where(Login.id == self.login_id).values(**values))

    def runs_out(self, seconds: float = -1.0) -> None:
        """The token is good for `seconds` more, here and at the provider."""
        self.change(expires_at=clock.now() + timedelta(seconds=seconds), refresh_due_at=clock.now())
        if seconds <= 0:
            self.provider.expire_all()

    def messages(self, kind: str) -> list[dict[str, Any]]:
        with self.store.read() as session:
            query = select(OutboxMessage.payload).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)
            return list(session.scalars(query))

    async def authorise(self, browser: str = BROWSER) -> None:
        """Go to the provider, agree, and come back."""
        import httpx2

        with self.store.write() as session:
            away = begin_authorisation(
                session, self.who, self.services.vault, self.connection_id, browser=browser, redirect_uri=BACK
            )
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.get(away.url)
        query = dict(httpx2.URL(answer.headers["location"]).params)
        with self.store.read() as session:
            back = returning(session, query["state"], browser)
        await complete_authorisation(
            self.store, self.services, self.who, back, code=query["code"], issuer=query.get("iss")
        )
