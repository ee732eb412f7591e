"""One request through the guarded client, with redirects followed by our rules and failures told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import httpx2

from signoff.connectors import faults, net
from signoff.kit.errors import ConnectorError

REDIRECTS_MAX: Final = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# The server asks for the same request elsewhere, so it has done nothing with it yet.
_REPEATS = frozenset({307, 308})
_HARMLESS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request. `headers` may hold a login; they go to the first host only."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer, within the limits of the client that fetched it.

    Args:
        is_aftermath: a request that may change something was taken and redirected; this is what was found behind it,
            and its status says nothing about that request.
    """

    status: int
    headers: httpx2.Headers
    body: bytes
    url: str
    is_aftermath: bool = False

    @property
    def media_type(self) -> str:
        """Return the declared media type in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """Return the body as text: UTF-8, or Latin-1 where it is not that."""
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self.body.decode("latin-1")


async def fetch(client: httpx2.AsyncClient, outgoing: Outgoing, *, redirects_max: int = REDIRECTS_MAX) -> Fetched:
    """Send a request and read its answer, following at most three redirects.

    A redirect is checked like the first address. To another host it takes no header and no body along; a request
    that changes something is not repeated there, and nothing goes from https to http.

    Args:
        redirects_max: 0 returns the redirect itself as the answer.

    Raises:
        ConnectorError: `connector_outcome_unknown` when a request that may change something was sent and not answered.
    """
    request, is_sent, is_taken = outgoing, False, False
    try:
        for _ in range(redirects_max + 1):
            answer = await send_once(client, request)
            is_sent = is_sent or outgoing.method not in _HARMLESS
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location or not redirects_max:
                return replace(answer, is_aftermath=is_taken)
            is_taken = is_taken or (is_sent and answer.status not in _REPEATS)
            request = _redirected(request, answer, location)
    except ConnectorError as error:
        if is_sent and error.code != faults.OUTCOME_UNKNOWN:
            raise faults.unknown_outcome(error.detail) from error
        raise
    detail = f"The server redirects more than {redirects_max} times."
    raise faults.unknown_outcome(detail) if is_sent else faults.fault(faults.REJECTED, detail)


async def send_once(client: httpx2.AsyncClient, outgoing: Outgoing) -> Fetched:
    """Send a request and read its answer; a redirect is an answer like any other.

    Raises:
        ConnectorError: as `fetch`.
    """
    try:
        request = client.build_request(
            outgoing.method, outgoing.url, headers=dict(outgoing.headers), content=outgoing.content
        )
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise faults.fault(faults.BAD_ARGUMENTS, "The arguments make an address that cannot be requested.") from error
    is_harmless = outgoing.method in _HARMLESS
    is_answered = False
    try:
        response = await client.send(request, stream=True)
        is_answered = True
        try:
            body = await response.aread()
        finally:
            await response.aclose()
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol) as error:
        raise net.fault_of(error) from error
    except (httpx2.TimeoutException, TimeoutError) as error:
        raise _lost(faults.TIMEOUT, "The server did not answer in time.", is_harmless) from error
    except ConnectorError as error:
        # Refused before anything was sent, or a body that passed a limit afterwards.
        if not is_answered or is_harmless:
            raise
        raise faults.unknown_outcome(error.detail) from error
    except (httpx2.TransportError, httpx2.StreamError) as error:
        raise _lost(faults.UNREACHABLE, "The connection broke before the answer was whole.", is_harmless) from error
    return Fetched(response.status_code, response.headers, body, str(response.url))


def _lost(code: str, detail: str, is_harmless: bool) -> ConnectorError:
    return faults.fault(code, detail) if is_harmless else faults.unknown_outcome(detail)


def _redirected(before: Outgoing, answer: Fetched, location: str) -> Outgoing:
    try:
        url = net.checked_url(str(httpx2.URL(answer.url).join(location).copy_with(fragment=None)))
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise faults.fault(faults.REJECTED, "The server redirects to what is not an address.") from error
    if answer.url.startswith("https:") and not url.startswith("https:"):
        raise faults.fault(faults.REJECTED, "The server redirects from https to http, which is not followed.")
    becomes_get = answer.status == 303 or (answer.status in (301, 302) and before.method == "POST")
    method = "GET" if becomes_get and before.method != "HEAD" else before.method
    content = None if becomes_get else before.content
    if net.host_of(url) == net.host_of(answer.url):
        return Outgoing(method, url, before.headers, content)
    if method not in _HARMLESS:
        raise faults.fault(faults.REJECTED, "The server redirects the call to another host, which is not followed.")
    return Outgoing(method, url, {}, None)
