"""`signoff release`, `releases`, `promote-now`, `rollback`: shipping and going back, by the operator."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from signoff.cli.commands import app
from signoff.cli.exits import guarded
from signoff.settings import Settings
from signoff.tables.session import Store
from tests.rooms.releases.kit_releases import world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def signoff(
    database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run a command; return exit code, output, messages."""
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", database_url)
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(settings.data_dir))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", *words])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_the_operator_ships_by_steps_and_goes_back(store: Store, signoff: Command):
    at = world(store, 3)
    canary = json.dumps({"canary": {"steps": [{"share_percent": 5, "minutes": 10}]}})
    code, _, told = signoff("release", "supplier-mail", "2", "--reason", "better", "--strategy", canary)
    assert (code, "revision 2 of supplier-mail in production is canary" in told) == (0, True)
    (row,) = json.loads(signoff("releases", "--agent", "supplier-mail", "--json")[1])
    assert (row["state"], row["strategy_text"]) == ("canary", "5 % for 10 min, then all of it")
    code, _, told = signoff("release", "supplier-mail", "3", "--reason", "too", "--strategy", "{}")
    assert (code, "Wait for it, promote it, or abort it" in told) == (13, True)
    assert signoff("take-over", row["id"], "--reason", "mine now")[0] == 0
    assert json.loads(signoff("releases", "--json")[1])[-1]["state"] == "canary"
    assert signoff("promote-now", row["id"], "--reason", "looked")[0] == 0
    code, _, told = signoff("take-over", row["id"], "--reason", "too late")
    assert (code, "nothing to take over" in told) == (13, True)
    assert at.live() == 2
    plan = json.loads(signoff("rollback", "supplier-mail", "--reason", "x", "--plan", "--json")[1])
    assert (plan["from_number"], plan["target"]["number"], at.live()) == (2, 1, 2)
    assert signoff("rollback", "supplier-mail", "--reason", "bad")[0] == 0
    assert at.live() == 1
    states = [one["state"] for one in json.loads(signoff("releases", "--json")[1])]
    assert states == ["settled", "refused", "rolled_back"]


def test_what_is_typed_wrongly_is_told(store: Store, signoff: Command):
    world(store, 2)
    release = ("release", "supplier-mail", "2", "--reason", "x", "--strategy")
    assert signoff(*release, "{")[0] == 2
    assert signoff(*release, "[]")[0] == 2
    assert signoff(*release, '{"speed": "fast"}')[0] == 12
    assert signoff("rollback", "supplier-mail", "--reason", "x", "--in-flight", "burn")[0] == 2
