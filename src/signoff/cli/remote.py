"""Commands on a running Signoff: the same API as everybody's."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2

from signoff.cli.exits import AUTH, NETWORK, SERVER, Stop, code_of, fields
from signoff.kit import clock, ids

_TIMEOUT = httpx2.Timeout(30.0, read=120.0)


class Remote:
    """One server, with one key.

    Raises:
        Stop: with the exit code for what went wrong: network, key, or the server's own words.
    """

    def __init__(self, url: str, key: str | None) -> None:
        if not key:
            raise Stop(AUTH, "An API key is needed: --key so_…, or SIGNOFF_KEY.")
        _check_address(url)
        self._http = httpx2.Client(
            base_url=url.rstrip("/"), timeout=_TIMEOUT, headers={"Authorization": f"Bearer {key}"}
        )
        self._workspace: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    @property
    def here(self) -> str:
        """Return the address of the key's workspace."""
        if self._workspace is None:
            self._workspace = str(self.ask("GET", "/v1/me")["workspace"])
        return f"/v1/{self._workspace}"

    def ask(self, method: str, path: str, *, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        """Return the answer's JSON. A request that makes something carries a key of its own, so it can be repeated."""
        headers = {"Idempotency-Key": ids.new_id("cli")} if method == "POST" else {}
        try:
            response = self._http.request(method, path, json=body, params=query, headers=headers)
        except httpx2.HTTPError as error:
            raise Stop(NETWORK, f"The server cannot be reached: {type(error).__name__}.") from error
        _refuse(response)
        return response.json() if response.content else None

    def events(self, path: str, after: int = 0) -> Generator[tuple[int, str, Any]]:
        """Yield `(id, kind, data)` of a run's events until the stream ends."""
        headers = {"Last-Event-ID": str(after)} if after else {}
        try:
            with self._http.stream("GET", path, headers=headers) as response:
                if response.status_code != 200:
                    response.read()
                    _refuse(response)
                yield from _events(response)
        except httpx2.HTTPError as error:
            raise Stop(NETWORK, f"The stream broke off: {type(error).__name__}.") from error


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, whatever it was. `json` None: the body is no JSON."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any
    milliseconds: int


class Visitor:
    """Asks a server as anybody could, with whatever key it is told to send, and judges nothing."""

    def __init__(self, url: str) -> None:
        _check_address(url)
        self._http = httpx2.Client(base_url=url.rstrip("/"), timeout=httpx2.Timeout(30.0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def ask(self, method: str, path: str, *, key: str | None = None, body: Any = None) -> Reply:
        """Return the answer, redirects not followed.

        Raises:
            Unreachable: there was none; the text says why.
        """
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        started = clock.monotonic_seconds()
        try:
            response = self._http.request(method, path, headers=headers, json=body)
        except httpx2.HTTPError as error:
            raise Unreachable(type(error).__name__) from error
        took = round((clock.monotonic_seconds() - started) * 1000)
        try:
            found = response.json()
        except ValueError:
            found = None
        return Reply(response.status_code, response.headers, response.text, found, took)


class Unreachable(Exception):
    """A server gave no answer."""


def _check_address(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise Stop(NETWORK, f"{url[:100]!r} is not an address. Give one such as https://signoff.example.com")


def _events(response: httpx2.Response) -> Generator[tuple[int, str, Any]]:
    found: dict[str, str] = {}
    for text in response.iter_lines():
        if text and not text.startswith(":"):
            name, _, value = text.partition(": ")
            found[name] = value
        elif not text:
            if "data" in found:
                yield int(found.get("id", "0")), found.get("event", ""), json.loads(found["data"])
            found = {}


def _refuse(response: httpx2.Response) -> None:
    if response.status_code < 400:
        return
    try:
        problem: dict[str, Any] = response.json()
        words = str(problem["detail"]) + fields(problem.get("errors", {}))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Stop(SERVER, f"The server answered {response.status_code}, and not as Signoff does.") from None
    raise Stop(code_of(response.status_code), words)
