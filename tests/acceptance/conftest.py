"""One served product for all checks of a test process, beside those that break theirs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.product import Product
from tests.fake_provider import FakeProvider, fake_provider


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture(scope="session")
def provider() -> Generator[FakeProvider]:
    """The model provider, which remembers what it was asked."""
    with fake_provider() as running:
        yield running


@pytest.fixture(scope="session")
def prepared(provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    """An installation that nobody serves: others begin as a copy of it."""
    made = Product(tmp_path_factory.mktemp("prepared"), provider).prepare()
    yield made
    made.close()


@pytest.fixture(scope="session")
def product(prepared: Product, provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    """The served product that most checks share."""
    made = Product(tmp_path_factory.mktemp("product"), provider).prepare(prepared)
    made.start()
    made.connect()
    made.connect(environment="staging")
    yield made
    made.close()


@pytest.fixture(scope="module")
def own_product(
    prepared: Product, provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Callable[..., Product]]:
    """`own_product(...)`: an installation that a check may break; prepared, not started."""
    made: list[Product] = []

    def make(database_url: str | None = None, serve_words: tuple[str, ...] = (), **settings: Any) -> Product:
        fresh = Product(tmp_path_factory.mktemp("own"), provider, database_url, settings, serve_words)
        made.append(fresh)
        return fresh.prepare(None if database_url else prepared)

    yield make
    for one in made:
        one.close()
