"""Getting tokens and giving them back: RFC 6749, 7009, 7636, 8707."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote

from signoff.connectors import faults
from signoff.connectors.oauth.asking import Answer, checked_endpoint, in_words, post_form
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

ClientAuth = Literal["none", "client_secret_basic", "client_secret_post"]

REFUSED: Final = "oauth_refused"
# What fits into one header beside the others.
TOKEN_CHARS_MAX = 8_000
_TOKEN = re.compile(r"[\x21-\x7e]+")
_LIFE_SECONDS_MAX = 10 * 366 * 86_400.0

_WORDS = {
    "invalid_grant": "The provider no longer accepts this login: it has expired, was revoked, or was used elsewhere.",
    "invalid_client": "The provider does not know this client, or its secret is wrong.",
    "unauthorized_client": "The provider does not let this client sign in this way.",
    "unsupported_grant_type": "The provider does not offer this way of signing in.",
    "invalid_scope": "The provider does not grant the scopes that are asked for.",
    "invalid_target": "The provider does not give tokens for this system (its resource).",
    "invalid_request": "The provider found the request wrong.",
    "access_denied": "Access was denied at the provider.",
    "interaction_required": "The provider wants the person to sign in again.",
    "login_required": "The provider wants the person to sign in again.",
    "consent_required": "The provider wants the person to agree again.",
    "temporarily_unavailable": "The provider cannot do it for the moment.",
    "server_error": "The provider failed.",
}
_PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})


class OAuthRefused(ConnectorError):
    """The provider said no, and will say so again. `error` is its own word, such as `invalid_grant`."""

    def __init__(self, detail: str, error: str) -> None:
        super().__init__(detail, code=REFUSED)
        self.error = error


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """Who we are to a provider, and where its tokens are had."""

    token_url: str
    client_id: str
    client_auth: str
    client_secret: str | None = field(default=None, repr=False)
    resource: str | None = None
    revoke_url: str | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """What a provider gave.

    Args:
        refresh_token: None when the answer has none; then an earlier one stays good.
        life_seconds: None when the provider does not say.
        scopes: None when it does not say, which means: what was asked for.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    life_seconds: float | None
    scopes: tuple[str, ...] | None


def words_for(error: str, description: str | None = None) -> str:
    """Return what a provider's error word means, with what it said itself."""
    known = _WORDS.get(error, f"The provider refused it ({faults.quoted(error, 60)}).")
    return f"{known} It said: “{faults.quoted(description, 200).rstrip('.')}”." if description else known


async def redeem_code(
    settings: Settings, client: OAuthClient, *, code: str, verifier: str, redirect_uri: str
) -> Granted:
    """Exchange the code that a person brought back.

    Raises:
        OAuthRefused: the provider does not take it.
        ConnectorError: the provider cannot be reached, or answers nonsense.
    """
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return await _ask(settings, client, fields)


async def ask_as_client(settings: Settings, client: OAuthClient, scopes: tuple[str, ...]) -> Granted:
    """Ask for a token in the client's own name. Raises as `redeem_code` does."""
    fields = {"grant_type": "client_credentials", **({"scope": " ".join(scopes)} if scopes else {})}
    return await _ask(settings, client, fields)


async def refresh(settings: Settings, client: OAuthClient, refresh_token: str) -> Granted:
    """Ask for a fresh token. Raises as `redeem_code` does; `connector_outcome_unknown` when no answer came."""
    return await _ask(settings, client, {"grant_type": "refresh_token", "refresh_token": refresh_token})


async def revoke(settings: Settings, client: OAuthClient, token: str, hint: str) -> None:
    """Give a token back (RFC 7009). A provider answers 200 also for one it does not know.

    Raises:
        OAuthRefused: it does not take it back.
        ConnectorError: it cannot be reached.
    """
    url = checked_endpoint(client.revoke_url or "", settings)
    fields = {"token": token, "token_type_hint": hint}
    answer = await post_form(settings, url, *_signed(client, fields))
    if answer.status >= 400:
        raise _refusal(answer)


async def _ask(settings: Settings, client: OAuthClient, fields: dict[str, str]) -> Granted:
    url = checked_endpoint(client.token_url, settings)
    if client.resource:
        fields = {**fields, "resource": client.resource}
    try:
        answer = await post_form(settings, url, *_signed(client, fields))
    except ConnectorError as error:
        raise faults.fault(error.code, in_words(error.detail)) from error
    if answer.status != 200:
        raise _refusal(answer)
    return _granted(answer)


def _signed(client: OAuthClient, fields: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return fields and headers that say who asks."""
    if client.client_auth == "client_secret_basic" and client.client_secret:
        # RFC 6749, 2.3.1: both parts are form-encoded before they are joined.
        pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
        return dict(fields), {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    own = {"client_id": client.client_id}
    if client.client_auth == "client_secret_post" and client.client_secret:
        own["client_secret"] = client.client_secret
    return {**fields, **own}, {}


def _refusal(answer: Answer) -> ConnectorError:
    error = answer.text("error") or ""
    if answer.status == 429 or answer.status >= 500 or error in _PASSING:
        again = f"The provider of the login fails for the moment (HTTP {answer.status})."
        return faults.fault(faults.RATE_LIMITED if answer.status == 429 else faults.UNREACHABLE, again)
    if error:
        return OAuthRefused(words_for(error, answer.text("error_description")), error[:100])
    if answer.status in (400, 401, 403):
        return OAuthRefused(f"The provider of the login refused the request (HTTP {answer.status}).", "refused")
    return faults.fault(faults.BAD_ANSWER, f"The token address answered HTTP {answer.status}; is it the right address?")


def _granted(answer: Answer) -> Granted:
    token, kind = answer.body.get("access_token"), answer.text("token_type") or "bearer"
    if not answer.is_json or not _is_token(token):
        raise faults.fault(
            faults.BAD_ANSWER, "The provider's answer holds no token that can be used; is this its token address?"
        )
    if kind.lower() != "bearer":
        raise faults.fault(faults.BAD_ANSWER, f"The provider gives tokens of the kind “{faults.quoted(kind, 40)}”.")
    fresh = answer.body.get("refresh_token")
    if fresh is not None and not _is_token(fresh):
        raise faults.fault(faults.BAD_ANSWER, "The provider gave a refresh token that cannot be kept.")
    scope = answer.body.get("scope")
    scopes = scopes_of(scope) if isinstance(scope, str) and scope.strip() else None
    return Granted(str(token), fresh, _life(answer.body.get("expires_in")), scopes)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TOKEN_CHARS_MAX and _TOKEN.fullmatch(value) is not None


def _life(value: object) -> float | None:
    # Some providers write the number as a text.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LIFE_SECONDS_MAX:
        return None
    return float(value)


def scopes_of(text: str) -> tuple[str, ...]:
    """Return the scopes in a text: single words, each once, in their order. Commas part them, too."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))
