"""What every test of a command has."""

from __future__ import annotations

import logging
from collections.abc import Generator

import pytest


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Generator[None]:
    """A command that sets up the log writes to the output of its test, which nobody may write to afterwards."""
    root, own = logging.getLogger(), logging.getLogger("signoff")
    handlers, level, own_level = root.handlers[:], root.level, own.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    own.setLevel(own_level)
