"""The tokens of a login and the secret of its client, as they are sealed in its row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from signoff.connections.vault import Place, Sealed, Vault
from signoff.connectors.oauth.tokens import OAuthClient
from signoff.kit.errors import Fault
from signoff.tables.connections import Login

# Tokens that were replaced and may live on for a while: they are masked, never sent.
_EARLIER_MAX = 3


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    earlier: tuple[str, ...] = field(default=(), repr=False)

    def followed_by(self, access: str, refresh: str | None) -> Tokens:
        """Return the tokens after a refresh; a refresh token that was not replaced stays."""
        earlier = (self.access, *self.earlier) if access != self.access else self.earlier
        return Tokens(access, refresh or self.refresh, earlier[:_EARLIER_MAX])

    @property
    def values(self) -> tuple[str, ...]:
        """Return every value that must be masked."""
        return (self.access, *([self.refresh] if self.refresh else []), *self.earlier)


def sealed_tokens(vault: Vault, row: Login, version: int, tokens: Tokens) -> dict[str, Any]:
    """Return the columns that hold `tokens` as version `version` of the login."""
    text = json.dumps({"access": tokens.access, "refresh": tokens.refresh, "earlier": list(tokens.earlier)})
    sealed = vault.seal(text, Place(row.workspace_id, row.id, version))
    return {"tokens": sealed.ciphertext, "tokens_nonce": sealed.nonce, "tokens_key_id": sealed.key_id}


NO_TOKENS: dict[str, Any] = {"tokens": None, "tokens_nonce": None, "tokens_key_id": None, "can_refresh": False}


def opened_tokens(vault: Vault, row: Login) -> Tokens | None:
    """Return the tokens, or None when there are none.

    Raises:
        Fault: they cannot be opened with the keys of this process.
    """
    if row.tokens is None or row.tokens_nonce is None or row.tokens_key_id is None:
        return None
    text = vault.open(
        Sealed(row.tokens, row.tokens_nonce, row.tokens_key_id), Place(row.workspace_id, row.id, row.version)
    )
    try:
        value = json.loads(text)
        return Tokens(value["access"], value["refresh"], tuple(value["earlier"]))
    except (ValueError, KeyError, TypeError) as error:
        detail = "The stored tokens of a login are not readable. Authorise it again."
        raise Fault(detail, code="login_damaged") from error


def sealed_client_secret(vault: Vault, row: Login, value: str | None) -> dict[str, Any]:
    """Return the columns that hold the client's secret as its next version; None for a client that has none."""
    version = (row.client_secret_version or 0) + 1
    if value is None:
        return {
            "client_secret": None, "client_secret_nonce": None, "client_secret_key_id": None,
            "client_secret_version": version,
        }  # fmt: skip
    sealed = vault.seal(value, _client_place(row, version))
    return {
        "client_secret": sealed.ciphertext, "client_secret_nonce": sealed.nonce, "client_secret_key_id": sealed.key_id,
        "client_secret_version": version,
    }  # fmt: skip


def opened_client_secret(vault: Vault, row: Login) -> str | None:
    """Return the client's secret, or None when it has none. Raises as `opened_tokens` does."""
    if row.client_secret is None or row.client_secret_nonce is None or row.client_secret_key_id is None:
        return None
    return vault.open(
        Sealed(row.client_secret, row.client_secret_nonce, row.client_secret_key_id),
        _client_place(row, row.client_secret_version),
    )


def client_of(vault: Vault, row: Login) -> OAuthClient:
    """Return who we are to the login's provider. Raises as `opened_tokens` does."""
    return OAuthClient(
        token_url=row.token_url,
        client_id=row.client_id,
        client_auth=row.client_auth,
        client_secret=opened_client_secret(vault, row),
        resource=row.resource,
        revoke_url=row.revoke_url,
    )


def masked_values(vault: Vault, row: Login) -> list[str]:
    """Return every value of the login that must never be shown."""
    tokens, secret = opened_tokens(vault, row), opened_client_secret(vault, row)
    return [*(tokens.values if tokens else ()), *([secret] if secret else [])]


def sealed_again(vault: Vault, row: Login) -> None:
    """Seal what the login holds with the current master key."""
    tokens, secret = opened_tokens(vault, row), opened_client_secret(vault, row)
    columns: dict[str, Any] = {}
    if tokens is not None:
        columns |= sealed_tokens(vault, row, row.version, tokens)
    if secret is not None:
        columns |= sealed_client_secret(vault, row, secret)
    for name, value in columns.items():
        setattr(row, name, value)


def _client_place(row: Login, version: int) -> Place:
    return Place(row.workspace_id, f"{row.id}.client", version)


def masks_of(slug: str, values: Sequence[str]) -> dict[str, str]:
    """Return the values of a connection's login by the names they are masked with.

    A name with a dot is no secret that a configuration or a call could ask for.
    """
    return {f"login.{slug}" + (f".{number}" if number else ""): text for number, text in enumerate(values)}
