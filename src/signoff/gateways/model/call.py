"""What goes into the model gateway, what comes out, and what is kept about one call while it is under way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from sqlalchemy.orm import Session

from signoff.gateways.chain import Verdict
from signoff.kit import clock, ids, money
from signoff.kit.errors import BudgetExceeded
from signoff.runs.facts import RunContext

if TYPE_CHECKING:
    from signoff.gateways.model.facts import ModelFacts
    from signoff.gateways.services import Services

OutcomeKind = Literal["answered", "stopped", "waits"]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """What the agent loop asks of a model.

    Args:
        key: `m:<leg>:<n>`, unique in the run; the step's key.
        turn: how many model calls this run will have made, with this one.
        settings: override those of the revision; None for the revision's own.
        messages_before: how many messages of the run precede this call, for the step.
    """

    key: str
    turn: int
    messages: list[ModelMessage]
    settings: ModelSettings | None
    parameters: ModelRequestParameters
    messages_before: int | None = None


@dataclass(frozen=True, slots=True)
class ModelOutcome:
    """What came of it. Plain JSON both ways.

    Args:
        response: one `ModelResponse` as plain JSON, when `answered`.
        code: a stable name for why not; reason: the same in words.
        resume_at: when a run that `waits` should try again.
    """

    kind: OutcomeKind
    response: dict[str, Any] | None = None
    code: str | None = None
    reason: str | None = None
    resume_at: datetime | None = None

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "kind": self.kind,
            "response": self.response,
            "code": self.code,
            "reason": self.reason,
            "resume_at": self.resume_at.isoformat() if self.resume_at else None,
        }

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> ModelOutcome:
        """Return the outcome that `as_plain` gave."""
        resume_at = plain.get("resume_at")
        return ModelOutcome(
            kind=plain["kind"],
            response=plain.get("response"),
            code=plain.get("code"),
            reason=plain.get("reason"),
            resume_at=datetime.fromisoformat(resume_at) if resume_at else None,
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a model gave no usable answer.

    Args:
        is_transient: the same request may succeed later.
        is_provider_fault: says something about the provider, not about this request.
        is_billed: the request was carried out, so it probably costs money though it gave nothing.
    """

    code: str
    reason: str
    is_transient: bool = False
    is_provider_fault: bool = False
    is_billed: bool = False
    is_context_too_long: bool = False
    retry_after_seconds: float | None = None


class ModelFailed(Exception):
    """An attempt failed; carries the failure outwards through the wrappers."""

    def __init__(self, failure: Failure, model: str) -> None:
        super().__init__(failure.reason)
        self.failure = failure
        self.model = model
        # The model whose wasted attempt is not booked yet.
        self.unpaid = model if failure.is_billed else None


@dataclass(frozen=True, slots=True)
class Answer:
    """A usable answer, who gave it, and what it cost. `cost_usd` None means nobody knows the price."""

    response: ModelResponse
    model: str
    tokens_in: int
    tokens_out: int
    cost_usd: Decimal | None
    is_usage_estimated: bool = False


@dataclass(slots=True)
class Log:
    """What the wrappers note about one call; the trace writes it down at the end, in one transaction.

    `attempt` tells this attempt at the step from another's, before or after a crash.
    """

    attempt: str = field(default_factory=partial(ids.new_id, "att"))
    started: float = field(default_factory=clock.monotonic_seconds)
    decided: float = 0.0
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    attempts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    # Billed though nothing came of it: answers cut off, unreadable, too large.
    wasted_usd: Decimal = money.ZERO
    wasted_tokens_in: int = 0
    is_price_unknown: bool = False
    is_truncated: bool = False
    # The cost of the call was booked before its end, as an estimate.
    is_booked: bool = False
    # What was reserved, or why not, when the step began.
    reservation: str | None = None
    refusal: BudgetExceeded | None = None
    estimate: Decimal = money.ZERO
    tokens_in: int = 0
    closing: list[Callable[[Session], object]] = field(default_factory=list[Callable[[Session], object]])


@dataclass(frozen=True, slots=True)
class Asked:
    """One call on its way through the gateway. `model` is the candidate being asked now."""

    services: Services
    run: RunContext
    call: ModelCall
    facts: ModelFacts
    model: str
    messages: list[ModelMessage]
    parameters: ModelRequestParameters
    log: Log
    # Books a wasted attempt of a model and reserves for one more; raises BudgetExceeded.
    pay_again: Callable[[str], Awaitable[None]] | None = None

    @property
    def settings(self) -> ModelSettings:
        """Return the revision's settings, overridden by the call's, with every other retry switched off."""
        own = self.run.body.model.settings
        merged = ModelSettings(max_tokens=own.max_tokens, timeout=own.timeout_seconds, max_retries=0)
        if own.temperature is not None:
            merged["temperature"] = own.temperature
        if own.top_p is not None:
            merged["top_p"] = own.top_p
        return {**merged, **(self.call.settings or {}), "max_retries": 0}
