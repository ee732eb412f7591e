"""The world of the API's tests."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from signoff.settings import Settings
from tests.api.world import World, make_world


@pytest.fixture
def world(settings: Settings) -> Generator[World]:
    """Alice's workspace with one of everything, on this test's database."""
    made = make_world(settings.model_copy(update={"rate_per_minute": 100_000}))
    yield made
    made.close()
