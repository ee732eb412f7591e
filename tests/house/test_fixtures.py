"""The ground the other tests stand on: databases of their own, a closed network, a real browser."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import inspect, text
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from signoff.settings import Settings
from signoff.tables.all_tables import METADATA
from signoff.tables.session import Store
from tests.kit_browser import axe_violations
from tests.kit_sockets import NetworkClosed


def test_the_store_has_every_table(store: Store, backend: str):
    assert set(METADATA.tables) <= set(inspect(store.engine).get_table_names())
    assert store.is_sqlite == (backend == "sqlite")


@pytest.mark.parametrize("turn", [1, 2])
def test_a_database_is_never_shared_between_tests(store: Store, turn: int):
    with store.write() as session:
        session.execute(text("create table footprint (turn integer)"))
    assert inspect(store.engine).has_table("footprint")


def test_an_empty_database_is_empty(empty_url: str):
    opened = Store.open(empty_url)
    assert inspect(opened.engine).get_table_names() == []
    opened.close()


def test_settings_belong_to_the_test(settings: Settings, database_url: str):
    assert settings.store_url == database_url
    assert settings.secret_key is not None


# 192.0.2.0/24 and 2001:db8::/32 are reserved for documentation: nobody answers there even if the guard were broken.
@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80), ("example.test", 80)])
def test_the_world_is_closed(address: tuple[str, int]):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(0.01)
        with pytest.raises(NetworkClosed, match=address[0]):
            client.connect(address)


def test_names_are_not_looked_up():
    with pytest.raises(NetworkClosed, match=r"example\.test"):
        socket.getaddrinfo("example.test", 443)


async def test_the_world_is_closed_to_the_event_loop():
    with pytest.raises(NetworkClosed):
        await asyncio.open_connection("192.0.2.1", 80)


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def site(body: str) -> Starlette:
    document = f'<!doctype html><html lang="en"><head><title>T</title></head><body><main>{body}</main></body></html>'

    async def answer(request: Any) -> HTMLResponse:
        return HTMLResponse(document)

    return Starlette(routes=[Route("/", answer), Route("/favicon.ico", answer)])


@pytest.mark.browser
def test_the_browser_draws_a_page(page: Page, serving: Callable[[Any], AbstractContextManager[str]]):
    with serving(site("<h1>Hello</h1>")) as address:
        page.goto(address)
        assert page.get_by_role("heading").inner_text() == "Hello"
        assert axe_violations(page) == []


@pytest.mark.browser
def test_axe_sees_what_is_wrong(page: Page, serving: Callable[[Any], AbstractContextManager[str]]):
    with serving(site("<h1>Hello</h1><img src='data:,'>")) as address:
        page.goto(address)
        assert any(found.startswith("image-alt") for found in axe_violations(page))


@pytest.mark.browser
def test_the_browser_cannot_reach_the_world(page: Page):
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://example.test/")
