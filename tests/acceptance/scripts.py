"""What the provider answers in the checks: by the turn of the conversation, so that a restart changes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from tests.fake_provider import Behaviour, Reply, text, tool_calls

SECONDS_MAX = 60.0


def turns(*behaviours: Behaviour) -> Behaviour:
    """Behave by how many answers the conversation holds already; the last one again and again."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        return behaviours[min(turn, len(behaviours) - 1)](body, number)

    return behave


def acts(*names: str, then: str = "done", slot: str = "erp") -> Behaviour:
    """Call each `tool` in its own turn with the run's input as `n`, then answer."""

    def call(name: str) -> Behaviour:
        return lambda body, number: tool_calls((f"{slot}_{name}", {"n": asked(body)}))(body, number)

    return turns(*[call(name) for name in names], text(then))


def asked(body: dict[str, Any]) -> str:
    """The run's input, as the model got it."""
    return next(words(message) for message in body["messages"] if message["role"] == "user")


def instructions(body: dict[str, Any]) -> str:
    """The SOP, as the model got it."""
    return "\n".join(words(message) for message in body["messages"] if message["role"] in ("system", "developer"))


def words(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])


def gated(gate: threading.Event, behaviour: Behaviour) -> Behaviour:
    """Keep the caller waiting until `gate` opens."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        gate.wait(SECONDS_MAX)
        return behaviour(body, number)

    return behave


def answer(value: Any) -> Behaviour:
    """Give a structured answer by the call that is meant for it."""
    return tool_calls(("final_result", value if isinstance(value, str) else json.dumps(value)))


def by_instructions(choose: Callable[[str], Behaviour]) -> Behaviour:
    """Behave by the SOP that came along."""
    return lambda body, number: choose(instructions(body))(body, number)
