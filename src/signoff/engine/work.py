"""What one leg works with, and how it ends before its agent is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic_ai.messages import ModelMessage

from signoff.engine.flights import Flight, Stop
from signoff.engine.tool_names import PinnedTool
from signoff.gateways.services import Services
from signoff.runs.facts import RunContext
from signoff.runs.holds import Hold


class LegStopped(Exception):
    """The run ends here, failed or cancelled. Raised only where the agent asks the model, so no call is torn apart."""

    def __init__(self, stop: Stop, failed_step: str | None = None) -> None:
        super().__init__(stop.reason)
        self.stop = stop
        self.failed_step = failed_step


def stop_of(code: str, reason: str) -> Stop:
    """Return the stop for what a gateway answered: a run that was called off is cancelled, not failed."""
    return Stop("cancelled" if code == "cancelled" else "failed", code, reason)


class LegWaits(Exception):
    """The run waits for a provider to come back."""

    def __init__(self, code: str, reason: str, resume_at: datetime | None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.resume_at = resume_at


@dataclass(slots=True, eq=False)
class LegWork:
    """One leg under way. What is here is derived from recorded values only, so a replay derives it again.

    Args:
        history: the messages of earlier legs.
        saved: how many messages of the run are stored.
        live: returns the messages of the run as they stand now.
        stop: set by a tool call that ends the run; acted on at the next model call.
        holds: the calls that wait for a person, or for their time.
        edited: call id → the arguments a person gave it instead of those the model gave.
    """

    services: Services
    context: RunContext
    flight: Flight
    tools: dict[str, PinnedTool]
    history: list[ModelMessage]
    saved: int = 0
    live: Callable[[], list[ModelMessage]] = list
    requests: int = 0
    stop: Stop | None = None
    failed_step: str | None = None
    holds: list[Hold] = field(default_factory=list[Hold])
    edited: Mapping[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    last_step: str | None = None

    def end(self, stop: Stop, failed_step: str | None) -> None:
        """Remember the first reason to end the run."""
        if self.stop is None:
            self.stop, self.failed_step = stop, failed_step

    def called_off(self, outcome: dict[str, Any]) -> bool:
        """Return whether the call behind a step was called off, remembering why."""
        if outcome.get("kind") != "called_off":
            return False
        self.end(Stop.from_plain(outcome["stop"]), None)
        return True
