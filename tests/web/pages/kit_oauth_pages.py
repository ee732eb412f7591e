"""A connection of the seeded site that signs in at a provider of our own."""

from __future__ import annotations

from collections.abc import Generator
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from signoff.connections.actions import create_connection
from signoff.connections.logins.queries import login_of
from signoff.connections.logins.setup import set_up_login
from signoff.connections.logins.views import LoginView
from tests.kit_oauth import Provider, running_provider
from tests.rooms.connections.kit_logins import setup_of
from tests.web.pages.conftest import Site


@pytest.fixture(scope="module")
def server() -> Generator[Provider]:
    with running_provider() as made:
        yield made


@pytest.fixture
def provider(server: Provider, site: Site) -> Provider:
    for name, value in vars(Provider(url=server.url)).items():
        setattr(server, name, value)
    site.app.state.house.settings.allow_loopback = True
    return server


@pytest.fixture
def orders(site: Site, provider: Provider) -> str:
    return make_orders(site, provider)


def make_orders(site: Site, provider: Provider, url: str = "https://orders.example.com/mcp", **changes: object) -> str:
    """A connection “Orders” in production with a login that nobody has authorised."""
    house, owner = site.app.state.house, site.seeded.owner
    with site.store.write() as session:
        made = create_connection(
            session, owner, environment_id=site.seeded.environments["production"], slug="orders", name="Orders",
            kind="mcp_http", config={"url": url},
        )  # fmt: skip
        set_up_login(session, owner, house.services.vault, made, setup_of(provider, **changes), settings=house.settings)
    return made


def login(site: Site, connection: str) -> LoginView:
    with site.store.read() as session:
        found = login_of(session, site.seeded.owner, connection)
    assert found is not None
    return found


def way_to(html: str) -> str:
    """The address the page sends a person to."""
    return html.split('id="go"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")


def agree(browser: TestClient, html: str) -> str:
    """Go to the provider, agree, and return the address one is sent back to."""
    answer = httpx2.get(way_to(html), trust_env=False)
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"
