"""The desk at which people are asked."""

from __future__ import annotations

import pytest

from signoff.tables.session import Store
from tests.rooms.approvals.kit_approvals import Desk, make_desk


@pytest.fixture
def desk(store: Store) -> Desk:
    """A workspace whose agent asks people."""
    return make_desk(store)
