"""An OpenID Connect provider of our own, on loopback, that can be made to lie in every way a test needs.

Left alone it is a correct one: it checks the client, the redirect address and PKCE, and takes a code once.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urljoin, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.kit_server import serving

CLIENT_ID, CLIENT_SECRET = "signoff & co", "s3cret: with / signs+"
# Making one takes a while.
KEY = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": "two", "use": "sig"})


@dataclass
class Granted:
    nonce: str
    challenge: str
    redirect_uri: str
    is_used: bool = False


@dataclass
class Issuer:
    """What it says, and what it was asked. Change the fields to make it lie.

    `claims` go over the right ones; `sign` makes the token; `answers` stand in for a whole path.
    """

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    keys: list[Any] = field(default_factory=lambda: [KEY])
    sign: Callable[[dict[str, Any]], str] | None = None
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)
    user_info: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    asked: list[str] = field(default_factory=list)
    granted: dict[str, Granted] = field(default_factory=dict)
    access_token: str = "at-1"

    def authorize(self, location: str, **changed: str) -> str:
        """What a browser brings back after a person signed in there: path and query of our callback."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{self.url}/authorize?")
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.granted[code] = Granted(asked["nonce"], asked["code_challenge"], asked["redirect_uri"])
        brought = {"code": code, "state": asked["state"], **changed}
        query = urlencode({name: value for name, value in brought.items() if value})
        return f"{urlsplit(asked['redirect_uri']).path}?{query}"

    def right_claims(self, nonce: str) -> dict[str, Any]:
        moment = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": "account-1",
            "aud": CLIENT_ID,
            "iat": moment,
            "exp": moment + 300,
            "nonce": nonce,
            "email": "ines@northwind.example",
            "email_verified": True,
            "name": "Ines of Elsewhere",
        }
        claims |= self.claims
        return {name: value for name, value in claims.items() if name not in self.left_out}


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", kid: str | None = "one") -> str:
    """A token, signed as a provider does."""
    header = {"alg": algorithm, **({"kid": kid} if kid is not None else {})}
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def half_hash(text: str) -> str:
    """`at_hash` of an access token under RS256."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).decode().rstrip("=")


def _app(issuer: Issuer) -> Starlette:
    def described(request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": issuer.url,
                "authorization_endpoint": f"{issuer.url}/authorize",
                "token_endpoint": f"{issuer.url}/token",
                "jwks_uri": f"{issuer.url}/jwks",
                "userinfo_endpoint": f"{issuer.url}/userinfo",
                "end_session_endpoint": f"{issuer.url}/leave?theme=dark",
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
                **issuer.metadata,
            }
        )

    def keys(request: Request) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False) for key in issuer.keys]})

    def agreed(request: Request) -> Response:
        # A real browser is sent back at once: whoever is signed in there has agreed before.
        back = urljoin(request.query_params["redirect_uri"], issuer.authorize(str(request.url)))
        return RedirectResponse(back, status_code=303)

    async def token(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        granted = issuer.granted.get(form.get("code", ""))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        is_good = (
            granted is not None
            and not granted.is_used
            and granted.challenge == challenge.decode().rstrip("=")
            and granted.redirect_uri == form.get("redirect_uri")
            and _client(request, form) == (CLIENT_ID, CLIENT_SECRET)
        )
        if granted is None or not is_good:
            return JSONResponse({"error": "invalid_grant", "error_description": "<script>"}, status_code=400)
        granted.is_used = True
        claims = issuer.right_claims(granted.nonce)
        made = issuer.sign(claims) if issuer.sign else signed(claims)
        return JSONResponse({"access_token": issuer.access_token, "token_type": "Bearer", "id_token": made})

    def user_info(request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {issuer.access_token}"
        return JSONResponse({"sub": "account-1", **issuer.user_info})

    def noted(path: str, usual: Any) -> Route:
        async def answer(request: Request) -> Response:
            issuer.asked.append(path)
            await asyncio.sleep(issuer.seconds)
            if path in issuer.answers:
                return issuer.answers[path]()
            said = usual(request)
            return await said if asyncio.iscoroutine(said) else said

        return Route(path, answer, methods=["GET", "POST"])

    return Starlette(
        routes=[
            Route("/authorize", agreed),
            noted("/.well-known/openid-configuration", described),
            noted("/jwks", keys),
            noted("/token", token),
            noted("/userinfo", user_info),
        ]
    )


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, pair = request.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        name, _, secret = base64.b64decode(pair).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


@contextmanager
def issuing() -> Generator[Issuer]:
    """A provider on a free port."""
    issuer = Issuer()
    with serving(_app(issuer)) as address:
        issuer.url = address
        yield issuer
