"""`serve --supervise`: a crashed server is started again, and people are told when it keeps crashing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from signoff.cli import supervising
from signoff.people.access import system
from signoff.people.actions import found_workspace
from signoff.settings import Settings
from signoff.tables.session import Store
from signoff.watch.queries import AlertRow, open_alerts

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

# Ends with the codes in a file, one for each start; then in good order.
CHILD = """
import pathlib, sys
codes = pathlib.Path(sys.argv[1])
first, _, rest = codes.read_text().partition(" ")
codes.write_text(rest)
sys.exit(int(first or 0))
"""


@pytest.fixture
def supervised(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the server ends with, start by start; fill it before serving."""
    ends: list[int] = []
    place = tmp_path / "codes"

    def command(of: Settings, with_worker: bool, workers: int) -> list[str]:
        if not place.exists():
            place.write_text(" ".join(str(code) for code in ends))
        return [sys.executable, "-c", CHILD, str(place)]

    monkeypatch.setattr(supervising, "_command", command)
    monkeypatch.setattr(supervising, "_PAUSE_SECONDS_MAX", 0.0)
    return ends


def alerts(settings: Settings, ends: list[int], codes: list[int]) -> tuple[int, list[AlertRow]]:
    """Supervise a server that ends with `codes`; return the code of the end, and what a workspace is told."""
    store = Store.open(settings.store_url)
    try:
        with store.write() as session:
            here = found_workspace(session, slug="acme", name="Acme", owner_email="a@acme.example", owner_name="A")
        ends += codes
        code = supervising.keep_serving(settings, with_worker=False)
        with store.read() as session:
            return code, open_alerts(session, system(here.workspace_id))
    finally:
        store.close()


def test_one_crash_is_started_again_without_a_word_to_people(settings: Settings, supervised: list[int]) -> None:
    assert alerts(settings, supervised, [1, 0]) == (0, [])


def test_crash_after_crash_raises_one_alert_in_every_workspace(settings: Settings, supervised: list[int]) -> None:
    code, told = alerts(settings, supervised, [1, 70, 1, 1, 0])
    assert code == 0
    assert [alert.kind for alert in told] == ["process_crashing"]
    assert told[0].occurrences == 2
    assert "4 times" in told[0].text or "3 times" in told[0].text


def test_what_starting_again_cannot_help_ends_it(settings: Settings, supervised: list[int]) -> None:
    assert alerts(settings, supervised, [14, 0]) == (14, [])


def test_the_child_serves_as_the_operator_said(settings: Settings) -> None:
    words = supervising._command(settings.model_copy(update={"port": 8123}), True, 2)
    assert words[1:5] == ["-m", "signoff.cli", "serve", "--worker"]
    assert words[words.index("--port") + 1] == "8123"
    assert "--supervise" not in words
