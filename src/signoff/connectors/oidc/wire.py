"""One small JSON answer of a provider, in time, without redirects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from signoff.connectors import faults, net
from signoff.connectors.fetch import Fetched, Outgoing, send_once
from signoff.connectors.oidc.refused import OidcRefused, Reason
from signoff.kit.errors import ConnectorError

SECONDS: Final = 10.0
BYTES_MAX: Final = 512_000
_JSON = {"accept": "application/json"}


async def ask(
    guard: net.Guard,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Fetched:
    """Return the provider's answer, whatever its status.

    Raises:
        OidcRefused: it cannot be reached, takes too long, or says too much.
    """
    try:
        async with net.client_of(guard, seconds=SECONDS, body_bytes_max=BYTES_MAX) as client:
            return await send_once(client, Outgoing(method, url, {**_JSON, **(headers or {})}, content))
    except ConnectorError as error:
        reason: Reason = "bad_discovery" if error.code == faults.BAD_CONFIG else "provider_unreachable"
        raise OidcRefused(reason, f"{_place(url)}: {error.detail}") from error


def object_of(answer: Fetched, reason: Reason) -> dict[str, Any]:
    """Return the JSON object of a good answer.

    Raises:
        OidcRefused: with `reason`; the answer is another status, or no JSON object.
    """
    where = _place(answer.url)
    if answer.status != 200:
        raise OidcRefused(reason, f"{where} answered with status {answer.status}.")
    try:
        value: Any = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise OidcRefused(reason, f"{where} did not answer with JSON.") from None
    if not isinstance(value, dict):
        raise OidcRefused(reason, f"{where} did not answer with a JSON object.")
    return cast(dict[str, Any], value)


def _place(url: str) -> str:
    # A query may hold what is nobody's business.
    return faults.quoted(url.split("?", 1)[0], 150)
