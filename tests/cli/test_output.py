"""What commands print: nothing that a message or a model wrote may command the terminal."""

from __future__ import annotations

import json

import pytest

from signoff.cli.exits import say
from signoff.cli.output import cell, line, show

HOSTILE = "a\x1b[2J\x07\x9b31m\u202eb\x00\U000e0041"


def test_json_keeps_the_value_and_holds_no_sign_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    show({"title": HOSTILE, "name": "Zürich 東京"}, as_json=True)
    whole = capsys.readouterr().out
    line({"title": HOSTILE})
    single = capsys.readouterr().out
    assert json.loads(whole) == {"title": HOSTILE, "name": "Zürich 東京"}
    assert json.loads(single) == {"title": HOSTILE}
    assert "Zürich 東京" in whole
    assert whole.replace("\n", "").isprintable()
    assert single.removesuffix("\n").isprintable()


def test_cells_and_messages_hold_no_sign_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"first {HOSTILE}\nsecond")
    told = capsys.readouterr().err
    assert cell(HOSTILE).isprintable()
    assert told.splitlines() == [f"first {cell(HOSTILE)}", "second"]
