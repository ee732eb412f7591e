"""What goes into the tool gateway, what comes out, and what is kept about one call while it is under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.orm import Session

from signoff.gateways.chain import Verdict
from signoff.kit import clock, ids
from signoff.runs.facts import RunContext

if TYPE_CHECKING:
    from signoff.gateways.services import Services
    from signoff.gateways.tool.facts import ToolFacts

OutcomeKind = Literal["value", "failed", "stopped", "held"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What an agent wants done, before anyone has agreed to it.

    Args:
        key: `<run_id>:<call_id>`, unique everywhere; the step's key and the idempotency key.
        definition_hash: the hash of the tool's definition when the leg began; None when it was not seen then.
    """

    key: str
    call_id: str
    slot: str
    tool: str
    args: dict[str, Any]
    turn: int
    definition_hash: str | None = None

    @property
    def name(self) -> str:
        """Return the name people know the tool by: `slot.tool`; a tool of our own has no slot."""
        return f"{self.slot}.{self.tool}" if self.slot else self.tool


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What came of it. Plain JSON both ways, so that the step can keep it.

    Args:
        kind: a `value` for the model; `failed`, which the model is told and may work around; `stopped`, which ends
            the run; `held`, which ends the leg until a person answered.
        reason: in words; what the model is told when it `failed`.
        hold: what is waited for, when `held`.
    """

    kind: OutcomeKind
    value: Any = None
    reason: str | None = None
    code: str | None = None
    hold: dict[str, Any] | None = None

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "kind": self.kind,
            "value": self.value,
            "reason": self.reason,
            "code": self.code,
            "hold": self.hold,
        }

    def as_kept(self) -> dict[str, Any] | None:
        """Return plain JSON to keep beside the step's response, which is the value: it is stored once.

        None for what is asked anew when the call is made again: a wait, and the end of a run.
        """
        if self.kind not in ("value", "failed"):
            return None
        kept = self.as_plain()
        del kept["value"]
        return kept

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> ToolOutcome:
        """Return the outcome that `as_plain` gave."""
        return ToolOutcome(plain["kind"], plain.get("value"), plain.get("reason"), plain.get("code"), plain.get("hold"))


@dataclass(slots=True)
class Log:
    """What the wrappers note about one call; the trace writes it down at the end, in one transaction.

    `attempt` tells this attempt at the step from another's, before or after a crash.
    """

    attempt: str = field(default_factory=partial(ids.new_id, "att"))
    decided: float = field(default_factory=clock.monotonic_seconds)
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    attempts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    is_truncated: bool = False
    # The intent was written when the step began; `known` is what the ledger knew already.
    is_intended: bool = False
    # When, which tells this intent from one that a person's "do it now" wrote for the same call.
    intended_at: datetime | None = None
    # An attempt before a crash may have acted; the tool is safe to repeat, so it is.
    is_repeat: bool = False
    known: ToolOutcome | None = None
    # The run is stopped, and what an attempt of this call did stays unknown.
    is_left_unknown: bool = False
    closing: list[Callable[[Session], object]] = field(default_factory=list[Callable[[Session], object]])


@dataclass(frozen=True, slots=True)
class Act:
    """One call on its way through the gateway.

    Args:
        args: what is sent: the call's arguments, with secrets in place once `secrets` has put them there.
        config: the connection's configuration, likewise.
    """

    services: Services
    run: RunContext
    call: ToolCall
    facts: ToolFacts
    args: dict[str, Any]
    config: dict[str, Any]
    log: Log
