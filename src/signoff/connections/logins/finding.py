"""Finding out how a connection wants to be signed in to, and becoming a client there. No session is held meanwhile."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.connections.logins.refreshing import HasVaultAndSettings
from signoff.connections.logins.setup import LoginSetup
from signoff.connections.logins.states import KINDS_WITH_LOGIN
from signoff.connections.lookup import connection_for
from signoff.connectors.oauth import discovery
from signoff.connectors.oauth.discovery import Provider
from signoff.kit.errors import ConnectorError, NotNow
from signoff.people.access import Principal, authorize
from signoff.tables.session import Store


class NotFoundOut(NotNow):
    """The system, or its provider, does not say how it wants to be signed in to. The text says what to enter."""


async def find_provider(
    store: Store, services: HasVaultAndSettings, principal: Principal, connection_id: str, *, issuer: str | None = None
) -> Provider:
    """Ask a connection's system who signs people in to it; with `issuer`, ask that provider alone.

    Raises:
        NotFoundOut: they do not say, or cannot be reached.
        Refusal: the caller may not set up logins, or the connection can have none.
    """

    def read(session: Session) -> str:
        row = connection_for(session, principal, connection_id, "connection.manage")
        authorize(principal, "secret.manage", environment_id=row.environment_id)
        if row.kind not in KINDS_WITH_LOGIN:
            raise NotNow("Only MCP servers over HTTP and HTTP APIs sign in by OAuth.", code="no_login_here")
        return str(row.config.get("url") or row.config.get("base_url") or "")

    url = await store.read_async(read)
    try:
        if issuer:
            return await discovery.provider_of_issuer(services.settings, issuer)
        return await discovery.provider_of_system(services.settings, url)
    except ConnectorError as error:
        raise NotFoundOut(error.detail, code=error.code) from error


async def registered_setup(services: HasVaultAndSettings, provider: Provider, *, redirect_uri: str) -> LoginSetup:
    """Become a client of a provider that lets anybody be one, and return the login to set up with it.

    Raises:
        NotFoundOut: it does not let us.
    """
    if provider.registration_url is None or provider.authorize_url is None:
        raise NotFoundOut(
            f"{provider.issuer} registers no clients by itself. Register Signoff there with the return address "
            f"{redirect_uri}, and enter the client's id here."
        )
    try:
        made = await discovery.register(
            services.settings,
            provider.registration_url,
            redirect_uri=redirect_uri,
            scopes=provider.scopes,
            methods=provider.auth_methods,
        )
    except ConnectorError as error:
        raise NotFoundOut(error.detail, code=error.code) from error
    return LoginSetup(
        kind="oauth_authorization_code",
        token_url=provider.token_url,
        client_id=made.client_id,
        authorize_url=provider.authorize_url,
        revoke_url=provider.revoke_url,
        issuer=provider.issuer,
        resource=provider.resource,
        client_auth=made.client_auth,
        client_secret=made.client_secret or "",
        scopes=provider.scopes,
        is_registered_by_us=True,
    )
