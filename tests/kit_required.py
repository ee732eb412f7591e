"""What a machine may lack, and where it may not: with SIGNOFF_REQUIRE_ALL=1 nothing is skipped."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def is_everything_required() -> bool:
    """Whether a missing program fails the tests, as it does in CI."""
    return os.environ.get("SIGNOFF_REQUIRE_ALL") == "1"


def absent(reason: str) -> NoReturn:
    """Skip this test with `reason`, or fail it where everything is required."""
    if is_everything_required():
        pytest.fail(f"{reason} SIGNOFF_REQUIRE_ALL=1 does not allow that.", pytrace=False)
    pytest.skip(reason)
