"""How connections sign in by OAuth, and what a disconnect would stop. No token is ever in an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import Field, SecretStr
from sqlalchemy.orm import Session

from signoff.api.answers import Done, answer
from signoff.api.desk import AtDesk, Desk, Id
from signoff.api.shapes import Body, SlugText
from signoff.api.shapes import router as make_router
from signoff.connections import actions
from signoff.connections.logins.authorising import obtain_as_client
from signoff.connections.logins.finding import find_provider
from signoff.connections.logins.queries import login_of
from signoff.connections.logins.refreshing import refresh_now
from signoff.connections.logins.revoking import forget_login
from signoff.connections.logins.rows import login_for
from signoff.connections.logins.setup import LoginSetup, set_up_login
from signoff.connections.logins.states import LoginKind, LoginPrincipal
from signoff.connections.logins.views import LoginView
from signoff.connections.privilege import PrivilegeWarning, connection_warnings
from signoff.connectors.oauth.discovery import Provider
from signoff.kit.errors import NotNow
from signoff.people.access import Principal
from signoff.runs.blast import BlastRadius
from signoff.runs.blast import blast_radius as load_blast_radius

router = make_router("connections")

_Url = Annotated[str, Field(min_length=1, max_length=2_048)]


class LoginBody(Body):
    """How the connection signs in. `client_secret` left out keeps the one that is there; empty means it has none."""

    kind: LoginKind
    token_url: _Url
    client_id: Annotated[str, Field(min_length=1, max_length=1_000)]
    principal: LoginPrincipal = "service"
    authorize_url: _Url | None = None
    revoke_url: _Url | None = None
    issuer: _Url | None = None
    resource: _Url | None = None
    client_auth: Literal["none", "client_secret_basic", "client_secret_post"] = "client_secret_basic"
    client_secret: Annotated[SecretStr, Field(max_length=4_000, description="Never shown again.")] | None = None
    scopes: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list[str], max_length=100)


class FindLogin(Body):
    """Whom to ask: this provider; left out, the connection's own system is asked who signs people in to it."""

    issuer: _Url | None = None


class Reconnect(Body):
    """The slot to take back."""

    slug: SlugText


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """How the connection signs in (null: not by OAuth), and what is wider or more personal than it should be."""

    login: LoginView | None
    warnings: tuple[PrivilegeWarning, ...]


@router.get("/v1/{workspace}/connections/{connection}/login", response_model=LoginAnswer)
async def login(desk: AtDesk, connection: Id) -> Response:
    """How the connection signs in by OAuth."""
    return await _login(desk, connection)


@router.put("/v1/{workspace}/connections/{connection}/login", response_model=LoginAnswer)
async def set_login(desk: AtDesk, connection: Id, body: LoginBody) -> Response:
    """Set up how the connection signs in. A person authorises it on its page; a client in its own name by `:obtain`."""
    secret = body.client_secret.get_secret_value() if body.client_secret is not None else None
    asked: dict[str, Any] = body.model_dump(exclude={"client_secret"})
    setup = LoginSetup(**asked, client_secret=secret)
    await desk.write(_set, desk, connection, setup)
    return await _login(desk, connection)


@router.delete("/v1/{workspace}/connections/{connection}/login", response_model=Done)
async def end_login(desk: AtDesk, connection: Id) -> Response:
    """Sign the connection out. Its tokens are given back to the provider; how it signs in stays set up."""
    await desk.write(forget_login, connection)
    return answer(Done())


@router.post("/v1/{workspace}/connections/{connection}/login:find", response_model=Provider)
async def find_login(desk: AtDesk, connection: Id, body: FindLogin) -> Response:
    """Ask the system, or a provider, for the addresses of its authorization server."""
    return answer(await find_provider(desk.store, desk.house.services, desk.principal, connection, issuer=body.issuer))


@router.post("/v1/{workspace}/connections/{connection}/login:obtain", response_model=LoginAnswer)
async def obtain_login(desk: AtDesk, connection: Id) -> Response:
    """Get a token in the client's own name (client credentials)."""
    await obtain_as_client(desk.store, desk.house.services, desk.principal, connection)
    return await _login(desk, connection)


@router.post("/v1/{workspace}/connections/{connection}/login:refresh", response_model=LoginAnswer)
async def refresh_login(desk: AtDesk, connection: Id) -> Response:
    """Replace the token now. It is replaced by itself before it runs out."""
    _, row = await desk.read(login_for, connection, "connection.test")
    if not await refresh_now(desk.store, desk.house.services, row.id, row.version):
        now = await desk.read(login_of, connection)
        said = now.last_error if now is not None and now.last_error else "Somebody else is at it, or it is signed out."
        raise NotNow(f"The token was not replaced. {said}", code="login_not_refreshed")
    return await _login(desk, connection)


@router.get("/v1/{workspace}/connections/{connection}/blast-radius", response_model=BlastRadius)
async def blast_radius(desk: AtDesk, connection: Id) -> Response:
    """What a disconnect would stop now. It changes nothing."""
    return answer(await desk.read(load_blast_radius, connection))


@router.post("/v1/{workspace}/connections/{connection}:reconnect", response_model=Done)
async def reconnect(desk: AtDesk, connection: Id, body: Reconnect) -> Response:
    """Take a disconnected connection back. It signs in again once it was authorised, or its secrets entered, anew."""
    await desk.write(actions.reconnect, connection, slug=body.slug)
    return answer(Done())


def _set(session: Session, principal: Principal, desk: Desk, connection: str, setup: LoginSetup) -> None:
    set_up_login(session, principal, desk.house.services.vault, connection, setup, settings=desk.settings)


async def _login(desk: Desk, connection: str) -> Response:
    def read(session: Session, viewer: Principal) -> LoginAnswer:
        found = login_of(session, viewer, connection)
        return LoginAnswer(found, connection_warnings(session, viewer, connection, found))

    return answer(await desk.read(read))
