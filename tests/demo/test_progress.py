"""What the terminal shows of the demo's runs."""

from __future__ import annotations

import io
from decimal import Decimal

from rich.console import Console

from signoff.demo.progress import Played, said, show


def test_a_subject_commands_neither_the_terminal_nor_its_colours() -> None:
    hostile = "Invoice\x1b[2J\x1b]0;owned\x07\u202e 4711 [red]x"
    output = {"classification": "unreadable", "action": "none\x1b[1m", "reason": "It says\x1b[31m nothing"}
    run = Played("run_1", hostile, "completed", None, None, output, Decimal(0), False, True)
    console = Console(file=io.StringIO(), width=200, force_terminal=False)
    show(console, [run])
    told = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert "4711 [red]x" in told
    assert "It says [31m nothing" in told
    assert said("gone.eml\x1b[2J").isprintable()
    assert not [char for char in told if char != "\n" and not char.isprintable()]
