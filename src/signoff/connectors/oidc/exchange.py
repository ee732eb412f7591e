"""The way there and back: the address a browser is sent to, a code for tokens, what else is known of the account."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit, urlunsplit

from signoff.connectors import net
from signoff.connectors.oidc.metadata import Metadata
from signoff.connectors.oidc.refused import OidcRefused
from signoff.connectors.oidc.wire import ask, object_of

_TOKEN_CHARS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Client:
    """What a provider knows us as."""

    id: str
    secret: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code was exchanged for. Neither is stored."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


def authorization_address(
    provider: Metadata, client: Client, *, scopes: Sequence[str], state: str, nonce: str, verifier: str
) -> str:
    """Return where the browser goes to sign in: authorization code, PKCE with S256, state, nonce."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return _with_query(
        provider.authorization_endpoint,
        {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": client.redirect_uri,
            "scope": " ".join(scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        },
    )


def end_session_address(provider: Metadata, client_id: str, back_to: str) -> str:
    """Return where the browser goes to sign out at the provider, or nothing when that is not offered."""
    if not provider.end_session_endpoint:
        return ""
    return _with_query(provider.end_session_endpoint, {"client_id": client_id, "post_logout_redirect_uri": back_to})


def _with_query(address: str, more: dict[str, str]) -> str:
    parts = urlsplit(address)
    query = "&".join(part for part in (parts.query, urlencode(more, quote_via=quote)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


async def exchange(guard: net.Guard, provider: Metadata, client: Client, *, code: str, verifier: str) -> Tokens:
    """Exchange a code for tokens, as the client we are.

    Raises:
        OidcRefused: the provider does not take the code, or answers with what is not tokens.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": verifier,
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    methods = provider.token_auth_methods
    if "client_secret_basic" in methods or not methods:
        pair = f"{quote_plus(client.id)}:{quote_plus(client.secret)}"
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    elif "client_secret_post" in methods:
        form |= {"client_id": client.id, "client_secret": client.secret}
    else:
        raise OidcRefused("bad_discovery", "The provider takes no client secret, neither in a header nor in the form.")
    answer = await ask(guard, "POST", provider.token_endpoint, headers=headers, content=urlencode(form).encode())
    if answer.status in (400, 401, 403):
        raise OidcRefused(
            "code_refused",
            f"The provider does not take the code (status {answer.status}). Is the client secret right, and the "
            "redirect address entered there?",
        )
    said = object_of(answer, "bad_token_answer")
    id_token, access_token = said.get("id_token"), said.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise OidcRefused("bad_token_answer", "The provider's answer holds no ID token.")
    if len(access_token) > _TOKEN_CHARS_MAX or not access_token.isascii() or not access_token.isprintable():
        raise OidcRefused("bad_token_answer", "The provider's access token is not one that can be sent.")
    return Tokens(id_token, access_token)


async def user_info(guard: net.Guard, provider: Metadata, tokens: Tokens, *, subject: str) -> dict[str, Any]:
    """Return what the provider tells beside the ID token, for the same account.

    Raises:
        OidcRefused: it cannot be had, or speaks of another account.
    """
    answer = await ask(
        guard, "GET", provider.userinfo_endpoint, headers={"authorization": f"Bearer {tokens.access_token}"}
    )
    said = object_of(answer, "bad_user_info")
    if said.get("sub") != subject:
        raise OidcRefused("bad_user_info", "The provider's user info speaks of another account than its token.")
    return said
