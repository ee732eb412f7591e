"""An OAuth provider of our own on loopback, and MCP and HTTP systems that take its tokens. It keeps what it was asked,
and fails in the ways a test names."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

import uvicorn
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route


@dataclass
class Token:
    """One token the provider gave. A family is what came of one authorisation."""

    family: str
    scopes: str
    resource: str | None
    expires_at: float
    client_id: str
    is_used: bool = False


@dataclass
class Provider:
    """The provider's state. Tests set the knobs and read `asked`."""

    url: str = ""
    life_seconds: float | None = 3600
    rotates: bool = True
    gives_refresh: bool = True
    registers: bool = True
    has_pkce: bool = True
    scopes_given: str | None = None  # Instead of those asked for.
    trouble: str = ""  # "", "invalid_grant", "500", "slow", "garbage", "drop", "429"
    revoke_trouble: str = ""
    slow_seconds: float = 0.3
    says_issuer: str | None = None
    clients: dict[str, str | None] = field(default_factory=lambda: {"cli-1": "client-secret-1"})
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    access: dict[str, Token] = field(default_factory=dict)
    refresh: dict[str, Token] = field(default_factory=dict)
    dead_families: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    registered: list[dict[str, Any]] = field(default_factory=list)
    reuses: int = 0

    def grants(self, kind: str) -> list[dict[str, str]]:
        """What was asked of the token address, by grant type."""
        return [one for one in self.asked if one.get("grant_type") == kind]

    def expire_all(self) -> None:
        """Every access token has run out; refresh tokens stay good."""
        for token in self.access.values():
            token.expires_at = 0

    def look_up(self, value: str) -> Token | None:
        """The token, if a system may accept it now."""
        token = self.access.get(value)
        if token is None or token.family in self.dead_families or token.expires_at <= time.time():
            return None
        return token

    def issue(self, family: str, scopes: str, resource: str | None, client_id: str) -> dict[str, Any]:
        access = f"at-{secrets.token_urlsafe(24)}"
        life = self.life_seconds if self.life_seconds is not None else 3600
        given = self.scopes_given if self.scopes_given is not None else scopes
        self.access[access] = Token(family, given, resource, time.time() + life, client_id)
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer"}
        if self.life_seconds is not None:
            answer["expires_in"] = self.life_seconds
        if given:
            answer["scope"] = given
        return answer

    def with_refresh(self, answer: dict[str, Any], family: str, scopes: str, resource: str | None, client: str) -> None:
        value = f"rt-{secrets.token_urlsafe(24)}"
        self.refresh[value] = Token(family, scopes, resource, time.time() + 1e6, client)
        answer["refresh_token"] = value


def _error(error: str, status: int = 400, description: str = "") -> Response:
    return JSONResponse({"error": error, **({"error_description": description} if description else {})}, status)


def _described(provider: Provider) -> dict[str, Any]:
    at = provider.url
    return {
        "issuer": provider.says_issuer or at,
        "authorization_endpoint": f"{at}/authorize",
        "token_endpoint": f"{at}/token",
        "revocation_endpoint": f"{at}/revoke",
        **({"registration_endpoint": f"{at}/register"} if provider.registers else {}),
        "scopes_supported": ["orders:read", "orders:write"],
        "code_challenge_methods_supported": ["S256"] if provider.has_pkce else ["plain"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    }


def provider_app(provider: Provider) -> Starlette:  # noqa: C901 - five small pages of one server
    async def metadata(_: Request) -> Response:
        return JSONResponse(_described(provider))

    async def authorize(request: Request) -> Response:
        query = dict(request.query_params)
        code = f"code-{secrets.token_urlsafe(12)}"
        back = {"state": query.get("state", ""), "iss": provider.url}
        if provider.trouble == "denied":
            back |= {"error": "access_denied", "error_description": "The person said no."}
        else:
            provider.codes[code] = query
            back["code"] = code
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(back)}", 302)

    async def token(request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        client = form.get("client_id", "")
        secret = form.get("client_secret")
        header = request.headers.get("authorization", "")
        if header.startswith("Basic "):
            name, _, given = base64.b64decode(header[6:]).decode().partition(":")
            client, secret = unquote(name), unquote(given)
        provider.asked.append({**form, "client": client})
        trouble = await _trouble(provider.trouble, provider.slow_seconds)
        if client not in provider.clients or provider.clients[client] != secret:
            return _error("invalid_client", 401)
        # What the provider does is done, also when its answer does not arrive.
        answer = _grant(provider, form, client)
        return trouble or answer

    async def revoke(request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if provider.revoke_trouble:
            return PlainTextResponse("no", int(provider.revoke_trouble))
        value = form.get("token", "")
        provider.revoked.append(value)
        found = provider.refresh.get(value) or provider.access.get(value)
        if found is not None:
            provider.dead_families.add(found.family)
        return Response(status_code=200)

    async def register(request: Request) -> Response:
        if not provider.registers:
            return _error("access_denied", 403)
        body = json.loads(await request.body())
        provider.registered.append(body)
        client, secret = f"dyn-{len(provider.registered)}", f"dyn-secret-{secrets.token_hex(8)}"
        provider.clients[client] = secret
        return JSONResponse({**body, "client_id": client, "client_secret": secret}, 201)

    return Starlette(
        routes=[
            Route("/.well-known/oauth-authorization-server", metadata),
            Route("/authorize", authorize),
            Route("/token", token, methods=["POST"]),
            Route("/revoke", revoke, methods=["POST"]),
            Route("/register", register, methods=["POST"]),
        ]
    )


async def _trouble(kind: str, slow_seconds: float) -> Response | None:
    if kind == "slow":
        await asyncio.sleep(slow_seconds)
    answers: dict[str, Response] = {
        "invalid_grant": _error("invalid_grant", description="Token is gone."),
        "500": PlainTextResponse("oops", 500),
        "429": _error("slow_down", 429),
        "garbage": PlainTextResponse("<html>Hello</html>", 200),
        "redirect": RedirectResponse("http://127.0.0.1:9/elsewhere", 302),
        "huge": PlainTextResponse("x" * 1_000_000, 200),
        "no_token": JSONResponse({"token_type": "Bearer"}),
        "bad_token": JSONResponse({"access_token": "with\nline", "token_type": "Bearer"}),
        "mac_token": JSONResponse({"access_token": "fine", "token_type": "mac"}),
    }
    return answers.get(kind)


def _grant(provider: Provider, form: dict[str, str], client: str) -> Response:
    kind, resource = form.get("grant_type"), form.get("resource")
    if kind == "authorization_code":
        asked = provider.codes.pop(form.get("code", ""), None)
        digest = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode()
        if (
            asked is None
            or asked["client_id"] != client
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != digest.rstrip("=")
        ):
            return _error("invalid_grant")
        family, scopes = secrets.token_hex(8), asked.get("scope", "")
    elif kind == "refresh_token":
        old = provider.refresh.get(form.get("refresh_token", ""))
        if old is None or old.client_id != client or old.family in provider.dead_families:
            return _error("invalid_grant", description="Token is gone.")
        if old.is_used:
            # Used twice: whoever has it is not alone. Everything of this family ends.
            provider.reuses += 1
            provider.dead_families.add(old.family)
            return _error("invalid_grant", description="Token was used before.")
        family, scopes, resource = old.family, old.scopes, old.resource
        answer = provider.issue(family, scopes, resource, client)
        if provider.rotates:
            old.is_used = True
            provider.with_refresh(answer, family, scopes, resource, client)
        return JSONResponse(answer)
    elif kind == "client_credentials":
        return JSONResponse(provider.issue(secrets.token_hex(8), form.get("scope", ""), resource, client))
    else:
        return _error("unsupported_grant_type")
    answer = provider.issue(family, scopes, resource, client)
    if provider.gives_refresh:
        provider.with_refresh(answer, family, scopes, resource, client)
    return JSONResponse(answer)


@dataclass
class System:
    """An MCP server behind the provider. `acts` are the effects it carried out, `tokens` the ones it was sent."""

    url: str
    acts: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    looks: int = 0


class _Verifier:
    def __init__(self, provider: Provider, system: System) -> None:
        self._provider, self._system = provider, system

    async def verify_token(self, token: str) -> AccessToken | None:
        self._system.tokens.append(token)
        found = self._provider.look_up(token)
        if found is None:
            return None
        return AccessToken(token=token, client_id=found.client_id, scopes=found.scopes.split(), resource=found.resource)


def mcp_app(provider: Provider, system: System, required: list[str]) -> Any:
    server = MCPServer(
        "orders",
        log_level="ERROR",
        token_verifier=_Verifier(provider, system),
        auth=AuthSettings(
            issuer_url=AnyHttpUrl(provider.url),
            resource_server_url=AnyHttpUrl(system.url),
            required_scopes=required,
            validate_token_resource=True,
        ),
    )

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def look(n: int) -> dict[str, Any]:
        """Look an order up."""
        system.looks += 1
        return {"order": n, "echo": system.tokens[-1]}

    @server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=True))
    async def post(n: int) -> dict[str, Any]:
        """Post a bill."""
        system.acts.append(n)
        return {"posted": n}

    return server.streamable_http_app()


@contextmanager
def at_port(make: Any) -> Generator[str]:
    """Serve the application that `make(address)` returns, which may so know its own address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(make(address), log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="test-oauth")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield address
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def running_provider() -> Generator[Provider]:
    """A provider at work."""
    provider = Provider()

    def make(address: str) -> Any:
        provider.url = address
        return provider_app(provider)

    with at_port(make):
        yield provider


@contextmanager
def running_system(provider: Provider, *, required: tuple[str, ...] = ("orders:read",)) -> Generator[System]:
    """An MCP server that takes the provider's tokens."""
    system = System("")

    def make(address: str) -> Any:
        system.url = f"{address}/mcp"
        return mcp_app(provider, system, list(required))

    with at_port(make):
        yield system
