"""One request to an authorization server, and its answer as a JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import httpx2

from signoff.connectors import faults, net, plain
from signoff.connectors.addresses import is_loopback_host
from signoff.connectors.fetch import Fetched, Outgoing, fetch
from signoff.settings import Settings

ANSWER_BYTES_MAX = 200_000
SECONDS_MAX = 20.0
_CUT_OFF = " The call may or may not have been carried out."


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, and its body where that is a JSON object (else empty)."""

    status: int
    body: Mapping[str, Any]
    challenge: str
    is_json: bool

    def text(self, name: str) -> str | None:
        """Return a member that is a text of a sane length, else None."""
        value = self.body.get(name)
        return value if isinstance(value, str) and 0 < len(value) <= 8_000 else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a member that is a list of texts; anything else in it is left out."""
        value: Any = self.body.get(name)
        parts = cast("list[Any]", value) if isinstance(value, list) else []
        return tuple(part for part in parts[:500] if isinstance(part, str) and 0 < len(part) <= 500)


def checked_endpoint(url: str, settings: Settings) -> str:
    """Return the address of an authorization server if a login may be sent there.

    Raises:
        ConnectorError: it is not https, and not on this machine either where the operator allows that.
    """
    found = net.checked_url(url)
    parsed = httpx2.URL(found)
    is_here = settings.allow_loopback and is_loopback_host(parsed.host)
    if parsed.scheme != "https" and not is_here:
        raise faults.fault(
            faults.REFUSED_ADDRESS, f"“{faults.quoted(url, 100)}” is not https, so no login is sent there."
        )
    if parsed.fragment:
        raise faults.fault(faults.BAD_CONFIG, f"“{faults.quoted(url, 100)}” has a part after #, which is never sent.")
    return found


async def get_json(settings: Settings, url: str) -> Answer:
    """Fetch a document about a server. Redirects are followed by the rules of every request.

    Raises:
        ConnectorError: the address is refused, or nobody answers.
    """
    async with _client(settings) as client:
        return _answer(await fetch(client, Outgoing("GET", url, {"accept": "application/json"})))


async def post_form(
    settings: Settings, url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Answer:
    """Send a form that may hold a login. It is sent once, and no redirect is followed.

    Raises:
        ConnectorError: with the code `connector_outcome_unknown` when it was sent and no answer came.
    """
    sent = {
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
        **(headers or {}),
    }
    return await _post(settings, url, sent, urlencode(dict(fields)).encode())


async def post_json(
    settings: Settings, url: str, body: Mapping[str, Any], *, accept: str = "application/json"
) -> Answer:
    """Send a JSON object once. Raises as `post_form` does."""
    sent = {"accept": accept, "content-type": "application/json"}
    return await _post(settings, url, sent, json.dumps(dict(body)).encode())


async def _post(settings: Settings, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
    async with _client(settings) as client:
        return _answer(await fetch(client, Outgoing("POST", url, headers, content), redirects_max=0))


def _client(settings: Settings) -> httpx2.AsyncClient:
    return net.client_of(net.guard_of(settings), seconds=SECONDS_MAX, body_bytes_max=ANSWER_BYTES_MAX)


def _answer(found: Fetched) -> Answer:
    challenge = found.headers.get("www-authenticate", "")[:4_000]
    try:
        value = json.loads(found.text)
    except (ValueError, RecursionError):
        value = None
    is_object = isinstance(value, dict)
    return Answer(found.status, plain.cleaned_object(value) if is_object else {}, challenge, is_object)


def in_words(detail: str) -> str:
    """Return what a connector said, without what it says of calls of tools."""
    return detail.replace(_CUT_OFF, "")
