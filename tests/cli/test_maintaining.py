"""`signoff maintenance`: on, off, and what it says in between."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from signoff.freezes.maintenance import standing
from signoff.tables.session import Store
from tests.cli.test_commands import signoff

__all__ = ["signoff"]
pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
Command = Callable[..., tuple[int, str, str]]


def test_it_is_put_on_told_and_taken_off(signoff: Command, store: Store) -> None:
    assert json.loads(signoff("maintenance", "status", "--json")[1])["maintenance"] == "off"
    assert signoff("maintenance", "off")[0] == 13
    assert signoff("maintenance", "on")[0] == 2
    code, out, err = signoff("maintenance", "on", "--reason", "A new disk.", "--minutes", "30", "--json")
    told = json.loads(out)
    assert (code, told["maintenance"], told["reason"], told["running"]) == (0, "on", "A new disk.", 0)
    assert told["by"].startswith("operator ")
    assert told["until"] > told["since"]
    assert "within a second" in err
    assert signoff("maintenance", "on", "--reason", "Twice.")[0] == 13
    assert "A new disk." in signoff("maintenance", "status")[1]
    assert signoff("maintenance", "off")[0] == 0
    with store.read() as session:
        assert standing(session) is None
