"""The link to an API that an OpenAPI document describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signoff.connectors import arguments, faults, net, plain
from signoff.connectors.challenge import is_about_scope, refused_login
from signoff.connectors.fetch import Fetched, Outgoing, fetch
from signoff.connectors.openapi.operations import Operation, checked_document, operations_of, parsed_document
from signoff.connectors.openapi.request import request_of
from signoff.connectors.openapi.servers import base_url_of
from signoff.connectors.protocol import ToolAnswer, ToolSpec
from signoff.settings import Settings

DOCUMENT_BYTES_MAX = 4_000_000
_DOCUMENT_SECONDS_MAX = 20.0


class OpenApiLink:
    """Calls the operations of one document. Every call is a request of its own."""

    def __init__(self, settings: Settings, config: Mapping[str, Any]) -> None:
        self._guard = net.guard_of(settings)
        self._headers = net.checked_headers(config.get("headers"))
        self._document_url = net.checked_url(str(config["url"])) if config.get("url") else None
        self._document: Any = config.get("document")
        self._named_base = net.checked_url(str(config["base_url"])) if config.get("base_url") else None
        self._base_url = self._named_base or self._document_url or base_url_of(checked_document(self._document), None)
        self._operations: dict[str, Operation] = {}
        self._answer_chars_max = settings.tool_result_chars_max
        self._is_open = True
        self.open_calls = 0

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where the configured headers go."""
        return (net.host_of(self._base_url),)

    @property
    def is_alive(self) -> bool:
        """Whether the link was not closed."""
        return self._is_open

    async def load(self) -> None:
        """Read the document anew.

        Raises:
            ConnectorError: it cannot be fetched, or is not one that can be used.
        """
        if self._document_url is None:
            document = checked_document(self._document)
        else:
            document = parsed_document((await self._fetch_document(self._document_url)).text)
        self._operations = operations_of(document)
        self._base_url = self._named_base or base_url_of(document, self._document_url)

    async def _fetch_document(self, url: str) -> Fetched:
        # The login goes along only when the document lies where the login belongs.
        is_same_host = net.host_of(url) == net.host_of(self._named_base or url)
        headers = {"accept": "application/json, application/yaml, text/*", **(self._headers if is_same_host else {})}
        async with net.client_of(
            self._guard, seconds=_DOCUMENT_SECONDS_MAX, body_bytes_max=DOCUMENT_BYTES_MAX
        ) as client:
            found = await fetch(client, Outgoing("GET", url, headers))
        if found.status in (401, 403):
            refused = refused_login(found.status, _challenge(found))
            raise faults.fault(refused.code, f"The document may not be read with this login. {refused.detail}")
        if found.status != 200:
            code = faults.UNREACHABLE if found.status >= 500 else faults.BAD_CONFIG
            raise faults.fault(code, f"The document could not be read: HTTP {found.status}.")
        return found

    async def list_tools(self) -> list[ToolSpec]:
        """Return the operations as the document describes them now."""
        await self.load()
        return [operation.spec for operation in self._operations.values()]

    async def check(self) -> None:
        """Read the document again, or ask the server for its first page when the document is our own."""
        if self._document_url is not None:
            await self.load()
            return
        async with net.client_of(self._guard, seconds=_DOCUMENT_SECONDS_MAX) as client:
            found = await fetch(client, Outgoing("GET", self._base_url, self._headers))
        if found.status == 401:
            raise refused_login(found.status, _challenge(found))
        if found.status >= 500:
            raise faults.fault(faults.UNREACHABLE, f"The server fails with HTTP {found.status}.")

    async def call(self, tool: str, args: dict[str, Any], *, key: str | None, timeout_seconds: float) -> ToolAnswer:
        """Send one request; `key` goes along as `Idempotency-Key` when the operation may change something."""
        operation = self._operations.get(tool)
        if operation is None:
            raise faults.fault(faults.UNKNOWN_TOOL, f"The document describes no operation “{faults.quoted(tool, 60)}”.")
        checked = arguments.checked(args, operation.spec.input_schema)
        request = request_of(operation, checked, base_url=self._base_url, headers=self._headers, key=key)
        self.open_calls += 1
        try:
            async with net.client_of(self._guard, seconds=timeout_seconds) as client:
                found = await fetch(client, request)
        finally:
            self.open_calls -= 1
        return self._answer(operation, found)

    def _answer(self, operation: Operation, found: Fetched) -> ToolAnswer:
        status = found.status
        if found.is_aftermath and status >= 400:
            raise faults.unknown_outcome(f"The server redirected to its answer, and failed there with HTTP {status}.")
        if status == 401 or (status == 403 and is_about_scope(_challenge(found))):
            raise refused_login(status, _challenge(found))
        if status == 429:
            again = faults.quoted(found.headers.get("retry-after", ""), 40)
            hint = f" It asks to wait {again} s." if again else ""
            raise faults.fault(faults.RATE_LIMITED, f"The server takes no more calls for now (HTTP 429).{hint}")
        if status >= 500 or status == 408:
            detail = f"The server failed with HTTP {status}."
            raise faults.fault(faults.UNREACHABLE, detail) if operation.is_read else faults.unknown_outcome(detail)
        if status < 400:
            return ToolAnswer(plain.limited(_value(found), self._answer_chars_max))
        answer = {"status": status, "body": _value(found)}
        return ToolAnswer(plain.limited(answer, self._answer_chars_max), is_error=True)

    async def close(self) -> None:
        """End the link; every request closed its own connections."""
        self._is_open = False


def _challenge(found: Fetched) -> str:
    return found.headers.get("www-authenticate", "")[:4_000]


def _value(found: Fetched) -> Any:
    if not found.body:
        return None
    media_type = found.media_type
    if media_type.endswith("json"):
        return plain.parsed_scalar_or_text(found.text)
    if media_type.startswith("text/") or media_type.endswith("xml") or not media_type:
        return plain.parsed_or_text(found.text)
    return {"media_type": media_type, "size_bytes": len(found.body), "note": "left out: not text"}


async def open_openapi(settings: Settings, config: Mapping[str, Any]) -> OpenApiLink:
    """Open a link to the API a document describes.

    Raises:
        ConnectorError: the document cannot be read or used, or an address is refused.
    """
    link = OpenApiLink(settings, config)
    await link.load()
    return link
