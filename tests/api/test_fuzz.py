"""A short look with schemathesis at every operation; `make fuzz` looks longer."""

from __future__ import annotations

import pytest

from tests import fuzz


@pytest.mark.slow
def test_every_operation_answers_as_it_is_described() -> None:
    assert fuzz.main(["--minutes", "0", "--examples", "1", "--phases", "examples"]) == 0
