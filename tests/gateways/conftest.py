"""A provider and a world for the gateways' tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import pytest

from signoff.settings import Settings
from signoff.tables.session import Store
from tests.fake_provider import FakeProvider, fake_provider
from tests.gateways.kit_world import World, make_world, settings_for


@pytest.fixture
def provider() -> Generator[FakeProvider]:
    """A provider on loopback that does what the test asks."""
    with fake_provider() as running:
        yield running


@pytest.fixture
async def world(store: Store, settings: Settings, provider: FakeProvider) -> AsyncGenerator[World]:
    """A workspace with an agent on `fake:gpt`, a connection and a run."""
    made = make_world(store, settings_for(settings, provider.base_url))
    yield made
    await made.services.close()
