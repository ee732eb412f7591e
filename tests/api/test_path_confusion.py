"""An address written in another way means the same to who is asked and to what is done, or it means nothing.

Sent as bytes to a real server: clients of libraries tidy addresses up before they send them.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Generator
from typing import Any

import pytest

from signoff.settings import Settings
from tests.api.sweep import of_workspaces
from tests.api.world import World, make_world

Ask = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def ask_world(sqlite_databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[World, Ask]]:
    """A served world, and a function that sends a request line as it is and returns status and content type."""
    from tests.kit_server import serving

    url = sqlite_databases.fresh()
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("paths"), database_url=url, allow_loopback=True, rate_per_minute=1_000_000
    )
    world = make_world(settings)
    with serving(world.app) as address:
        line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)

        def ask(method: str, path: str, key: str | None, body: bytes = b"") -> tuple[int, str]:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            if body:
                headers["Content-Type"] = "application/json"
            line.request(method, path, body=body or None, headers=headers)
            answer = line.getresponse()
            answer.read()
            return answer.status, answer.headers.get("content-type", "")

        yield world, ask
        line.close()


def twisted(path: str) -> list[str]:
    """The same address, as a careless proxy or a clever caller might write it."""
    head, _, tail = path.rpartition("/")
    return [
        path + "/",
        path + "//",
        path + ";a=b",
        path + "%20",
        path + ".",
        path + "%00",
        path + "%2f",
        path + "/.",
        path + "/%2e",
        path + "/..;/x",
        "/" + path,
        path.replace("/v1/", "/v1//"),
        path.replace("/v1/", "/V1/"),
        path.replace("/v1/", "/v1/./"),
        path.replace("/v1/", "/v1/%2e/"),
        path.replace("/v1/", "/static/../v1/"),
        path.replace("/v1/", "/static/%2e%2e/v1/"),
        path.replace("/v1/", "/v1/other/..%2f"),
        path.replace("/v1/", "/v1/other/%2e%2e/"),
        path.replace("/v1/", "/v1\\"),
        path.replace("/v1/acme", "/v1/ACME"),
        path.replace("/v1/acme", "/v1/acme%2f"),
        path.replace("/v1/acme", "/v1/other%2f..%2facme"),
        path.replace("/v1/acme", "/v1/acme;other"),
        f"{head}/%2e%2e/{tail}",
        f"{head}%2F{tail}",
        path.replace("/v1/acme", "/%76%31/%61cme"),
        f"http://evil.example{path}",
    ]


def test_nobody_and_strangers_get_nothing_by_any_spelling(ask_world: tuple[World, Ask]) -> None:
    world, ask = ask_world
    tried = 0
    for operation in of_workspaces():
        path = operation.path.format(**world.ids)
        body = b"{}" if operation.method in ("post", "put", "patch") else b""
        for address in twisted(path):
            for key in (None, world.keys["charlie"]):
                status, kind = ask(operation.method.upper(), address, key, body)
                tried += 1
                assert status in (400, 401, 404, 405), (operation.method, address, status)
                assert "json" in kind or "html" in kind or "text/plain" in kind, (address, kind)
    assert tried > 3_000


def test_whoever_may_gets_the_same_or_nothing(ask_world: tuple[World, Ask]) -> None:
    """Reads alone, so that nothing asked changes what is asked next."""
    world, ask = ask_world
    for operation in of_workspaces():
        if operation.method != "get" or operation.name in ("events", "draft_events"):
            continue
        path = operation.path.format(**world.ids)
        for key in (world.keys["runner"], world.keys["admin"]):
            plain, _ = ask("GET", path, key)
            for address in twisted(path):
                status, _ = ask("GET", address, key)
                assert status in (plain, 400, 404, 405, 422), (address, status, plain)


def test_methods_nobody_knows_are_refused(ask_world: tuple[World, Ask]) -> None:
    world, ask = ask_world
    for method in ("TRACE", "CONNECT", "PROPFIND", "get", "X", "DELETE"):
        status, _ = ask(method, "/v1/acme/runs", world.keys["admin"])
        assert status in (400, 404, 405), (method, status)
