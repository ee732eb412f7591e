"""What the scripted model says when calls are counted."""

from __future__ import annotations

from tests.engine.kit_engine import Script, turns


def conversation(model_calls: int, tool_calls: int) -> Script:
    """Return a script of so many answers; each but the last asks for so many tool calls, no two alike."""
    return turns(
        *([("look", {"n": turn * 100 + number}) for number in range(tool_calls)] for turn in range(model_calls - 1)),
        "Done.",
    )
