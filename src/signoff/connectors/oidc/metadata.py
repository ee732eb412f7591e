"""What a provider says of itself (OpenID Connect Discovery), checked and kept for ten minutes."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from signoff.connectors import net
from signoff.connectors.oidc.refused import OidcRefused
from signoff.connectors.oidc.wire import ask, object_of
from signoff.kit import clock
from signoff.kit.errors import ConnectorError

WELL_KNOWN: Final = "/.well-known/openid-configuration"
_KEPT_SECONDS = 600.0
_KEPT_MAX = 500
_WORDS_MAX = 100


@dataclass(frozen=True, slots=True)
class Metadata:
    """A provider's endpoints and what it can do. Empty text: it does not say."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    algorithms: tuple[str, ...]
    token_auth_methods: tuple[str, ...]
    challenge_methods: tuple[str, ...]
    scopes: tuple[str, ...]
    names_itself: bool
    """It puts `iss` beside every code (RFC 9207), so that a missing one is a sign of another provider's answer."""


def checked_address(text: str, guard: net.Guard) -> str:
    """Return `text` if tokens and codes may travel there: https, or http to this machine where that is allowed.

    Raises:
        ConnectorError: it may not.
    """
    url = net.checked_url(text)
    parts = urlsplit(url)
    if parts.scheme == "https" or (guard.rules.allow_loopback and _is_this_machine(parts.hostname or "")):
        return text
    raise ConnectorError("An identity provider is reached by https only.", code="connector_bad_config")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


async def discover(guard: net.Guard, issuer: str) -> Metadata:
    """Ask a provider what it is.

    Raises:
        OidcRefused: it cannot be reached, says it is another one, or lacks what a sign-in needs.
    """
    url = issuer.rstrip("/") + WELL_KNOWN
    try:
        checked_address(url, guard)
    except ConnectorError as error:
        raise OidcRefused("bad_discovery", error.detail) from error
    said = object_of(await ask(guard, "GET", url), "bad_discovery")
    if said.get("issuer") != issuer:
        raise OidcRefused(
            "wrong_issuer", "The provider names another issuer than the one entered; they must be equal to the letter."
        )
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(said, "authorization_endpoint", guard, is_needed=True),
        token_endpoint=_endpoint(said, "token_endpoint", guard, is_needed=True),
        jwks_uri=_endpoint(said, "jwks_uri", guard, is_needed=True),
        userinfo_endpoint=_endpoint(said, "userinfo_endpoint", guard),
        end_session_endpoint=_endpoint(said, "end_session_endpoint", guard),
        algorithms=_words(said, "id_token_signing_alg_values_supported"),
        token_auth_methods=_words(said, "token_endpoint_auth_methods_supported"),
        challenge_methods=_words(said, "code_challenge_methods_supported"),
        scopes=_words(said, "scopes_supported"),
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(said: dict[str, Any], name: str, guard: net.Guard, *, is_needed: bool = False) -> str:
    value = said.get(name)
    if value is None and not is_needed:
        return ""
    try:
        if not isinstance(value, str) or "#" in value:
            raise ConnectorError("It is not an address.")
        return checked_address(value, guard)
    except ConnectorError as error:
        raise OidcRefused("bad_discovery", f"The provider's {name} cannot be used. {error.detail}") from error


def _words(said: dict[str, Any], name: str) -> tuple[str, ...]:
    value = said.get(name)
    words = cast(list[Any], value) if isinstance(value, list) else []
    return tuple(word[:80] for word in words[:_WORDS_MAX] if isinstance(word, str))


class MetadataCache:
    """Remembers what providers said, so that a sign-in does not ask again. One per process."""

    def __init__(self, guard: net.Guard) -> None:
        self._guard = guard
        self._kept: OrderedDict[str, tuple[float, Metadata]] = OrderedDict()

    async def of(self, issuer: str) -> Metadata:
        """Return what `issuer` says of itself, at most ten minutes old.

        Raises:
            OidcRefused: as `discover`.
        """
        kept = self._kept.get(issuer)
        if kept and kept[0] > clock.monotonic_seconds():
            return kept[1]
        return await self.fresh(issuer)

    async def fresh(self, issuer: str) -> Metadata:
        """Ask again, and remember the new answer."""
        self._kept.pop(issuer, None)
        found = await discover(self._guard, issuer)
        self._kept[issuer] = (clock.monotonic_seconds() + _KEPT_SECONDS, found)
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)
        return found
