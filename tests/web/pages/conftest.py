"""The seeded workspace behind the pages, and browsers without script that are signed in to it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from signoff.settings import Settings
from signoff.tables.session import Store
from tests.web.kit_pages import browser_of, demo_model, pages_app
from tests.web.seed import Seeded, seed, workspace


@dataclass
class Site:
    """The pages on a database. `base` is the address of the seeded workspace."""

    app: Any
    store: Store
    seeded: Seeded

    @property
    def base(self) -> str:
        return f"/w/{self.seeded.slug}"

    def browser(self, who: str = "mei") -> TestClient:
        """Mei owns the workspace, Ines builds, Tomasz is a member, Rosa only looks."""
        return browser_of(self.app, self.seeded, who)

    def visitor(self) -> TestClient:
        return browser_of(self.app)


@pytest.fixture
def site(store: Store, settings: Settings) -> Generator[Site]:
    with demo_model():
        yield Site(pages_app(store, settings), store, seed(store))


@pytest.fixture
def empty_site(store: Store, settings: Settings) -> Site:
    """A workspace with its owner, and nothing in it."""
    with store.write() as session:
        seeded = workspace(session, "bare", "Bare")
    return Site(pages_app(store, settings), store, seeded)
