"""Finding out how a system wants to be signed in to: RFC 9728, RFC 8414, OpenID discovery, RFC 7591."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from signoff import __version__
from signoff.connectors import faults, net
from signoff.connectors.challenge import bearer_parameters
from signoff.connectors.oauth.asking import Answer, checked_endpoint, get_json, in_words, post_json
from signoff.connectors.oauth.tokens import ClientAuth, scopes_of, words_for
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

_RESOURCE_PATH = "/.well-known/oauth-protected-resource"
_SERVER_PATH = "/.well-known/oauth-authorization-server"
_OPENID_PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Provider:
    """An authorization server as its metadata describe it, and what the protected system said of itself.

    Args:
        resource: the name under which tokens for the system are asked for (RFC 8707); None when it has none.
        registration_url: where anybody may become a client; None when that is not offered.
    """

    issuer: str
    authorize_url: str | None
    token_url: str
    revoke_url: str | None = None
    registration_url: str | None = None
    scopes: tuple[str, ...] = ()
    auth_methods: tuple[str, ...] = ()
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a registration."""

    client_id: str
    client_auth: ClientAuth
    client_secret: str | None = field(default=None, repr=False)


async def provider_of_system(settings: Settings, url: str) -> Provider:
    """Ask a system at `url` who signs people in to it, and that provider how.

    Raises:
        ConnectorError: it wants no login, or does not say how it wants it.
    """
    challenge = await _challenge_of(settings, url)
    document = await _resource_document(settings, url, challenge.get("resource_metadata"))
    if document is None:
        # Servers of an earlier edition of MCP are their own authorization servers.
        return await provider_of_issuer(settings, _origin(url))
    resource = _checked_resource(url, document.text("resource"))
    servers = document.texts("authorization_servers")
    if not servers:
        raise faults.fault(faults.BAD_ANSWER, "The system names no server that signs people in to it.")
    found = await provider_of_issuer(settings, servers[0])
    named = challenge.get("scope")
    scopes = scopes_of(named) if named else document.texts("scopes_supported")
    return Provider(
        issuer=found.issuer,
        authorize_url=found.authorize_url,
        token_url=found.token_url,
        revoke_url=found.revoke_url,
        registration_url=found.registration_url,
        scopes=scopes or found.scopes,
        auth_methods=found.auth_methods,
        resource=resource,
    )


async def provider_of_issuer(settings: Settings, issuer: str) -> Provider:
    """Read the metadata of an authorization server.

    Raises:
        ConnectorError: there are none at its usual places, or they are not about it.
    """
    base = checked_endpoint(issuer, settings).rstrip("/")
    path = httpx2.URL(base).path.rstrip("/")
    origin = _origin(base)
    places = dict.fromkeys((origin + _SERVER_PATH + path, origin + _OPENID_PATH + path, base + _OPENID_PATH))
    for place in places:
        answer = await get_json(settings, place)
        if answer.status == 200 and answer.is_json and answer.text("token_endpoint"):
            return _provider(settings, base, answer)
    raise faults.fault(
        faults.BAD_ANSWER,
        f"{faults.quoted(issuer, 100)} does not describe how it signs people in. Enter its addresses by hand.",
    )


async def register(
    settings: Settings, registration_url: str, *, redirect_uri: str, scopes: Sequence[str], methods: Sequence[str]
) -> Registered:
    """Become a client of a provider that lets anybody be one (RFC 7591).

    Raises:
        ConnectorError: it does not.
    """
    known: tuple[ClientAuth, ...] = ("client_secret_basic", "client_secret_post", "none")
    # RFC 8414: a server that names no methods takes the first.
    wanted = next((method for method in known if not methods or method in methods), "client_secret_basic")
    body: dict[str, Any] = {
        "client_name": "Signoff",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": wanted,
        "software_id": "signoff",
        "software_version": __version__,
        **({"scope": " ".join(scopes)} if scopes else {}),
    }
    answer = await post_json(settings, checked_endpoint(registration_url, settings), body)
    client_id = answer.text("client_id")
    if answer.status not in (200, 201) or client_id is None:
        said = words_for(answer.text("error") or f"HTTP {answer.status}", answer.text("error_description"))
        raise faults.fault(
            faults.REJECTED, f"The provider did not register us as a client. {said} Register one there by hand."
        )
    secret = answer.text("client_secret")
    method = answer.text("token_endpoint_auth_method") or wanted
    if secret is None:
        return Registered(client_id, "none")
    return Registered(
        client_id, "client_secret_post" if method == "client_secret_post" else "client_secret_basic", secret
    )


async def _challenge_of(settings: Settings, url: str) -> dict[str, str]:
    """Ask without a login, as an MCP client begins, and return what the refusal says."""
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "signoff", "version": __version__},
        },
    }
    try:
        answer = await post_json(settings, net.checked_url(url), hello, accept="application/json, text/event-stream")
    except ConnectorError as error:
        raise faults.fault(error.code, in_words(error.detail)) from error
    if answer.status in (401, 403):
        return bearer_parameters(answer.challenge)
    if answer.status < 300:
        raise faults.fault(faults.REJECTED, "This system answers without a login; it needs none.")
    return {}


async def _resource_document(settings: Settings, url: str, named: str | None) -> Answer | None:
    """Return what the system says of itself: at the place its refusal names, else at the usual ones."""
    if named is not None:
        answer = await get_json(settings, checked_endpoint(named, settings))
        if answer.status == 200 and answer.is_json:
            return answer
        raise faults.fault(
            faults.BAD_ANSWER, f"{faults.quoted(named, 100)}, which the system names, does not describe it."
        )
    origin, path = _origin(url), httpx2.URL(url).path.rstrip("/")
    for place in dict.fromkeys((origin + _RESOURCE_PATH + path, origin + _RESOURCE_PATH)):
        answer = await get_json(settings, place)
        if answer.status == 200 and answer.is_json and answer.text("resource"):
            return answer
    return None


def _checked_resource(url: str, resource: str | None) -> str:
    """Return the resource if it is the system we asked, or the part of its host that holds it."""
    try:
        said = httpx2.URL(resource or "")
        is_same = bool(said.host) and net.host_of(said) == net.host_of(url) and said.scheme == httpx2.URL(url).scheme
    except (httpx2.InvalidURL, ValueError):
        said, is_same = httpx2.URL(), False
    asked, held = httpx2.URL(url).path.rstrip("/") + "/", said.path.rstrip("/") + "/"
    if resource is None or not is_same or not asked.startswith(held):
        raise faults.fault(
            faults.BAD_ANSWER, f"The system says it is another one (“{faults.quoted(resource or '', 100)}”)."
        )
    return resource


def _provider(settings: Settings, base: str, answer: Answer) -> Provider:
    issuer = answer.text("issuer")
    if issuer is None or issuer.rstrip("/") != base:
        raise faults.fault(
            faults.BAD_ANSWER,
            f"The server at {faults.quoted(base, 100)} says it is another one (“{faults.quoted(issuer or '', 100)}”).",
        )
    methods = answer.texts("code_challenge_methods_supported")
    if methods and "S256" not in methods:
        raise faults.fault(faults.BAD_ANSWER, "The provider does not offer PKCE with S256, which Signoff requires.")

    def endpoint(name: str) -> str | None:
        found = answer.text(name)
        return checked_endpoint(found, settings) if found else None

    return Provider(
        issuer=issuer,
        authorize_url=endpoint("authorization_endpoint"),
        token_url=endpoint("token_endpoint") or "",
        revoke_url=endpoint("revocation_endpoint"),
        registration_url=endpoint("registration_endpoint"),
        scopes=answer.texts("scopes_supported"),
        auth_methods=answer.texts("token_endpoint_auth_methods_supported"),
    )


def _origin(url: str) -> str:
    parsed = httpx2.URL(url)
    port = f":{parsed.port}" if parsed.port else ""
    host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
    return f"{parsed.scheme}://{host}{port}"
