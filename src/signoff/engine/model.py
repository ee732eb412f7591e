"""The model as the agent loop sees it: each request is one step, recorded by the model gateway."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from sqlalchemy.orm import Session

from signoff.engine import answers
from signoff.engine import messages as conversation
from signoff.engine.flights import Stop
from signoff.engine.unknown_calls import refuse_unknown
from signoff.engine.work import LegHeld, LegStopped, LegWaits, LegWork, stop_of
from signoff.gateways.model.call import ModelCall
from signoff.gateways.model.gateway import think
from signoff.kit.faultpoints import faultpoint
from signoff.kit.redact import Redactor
from signoff.kit.text import shortened
from signoff.runs.holds import Hold


class GatewayModel(Model):
    """Asks the model gateway. Has no provider of its own: the gateway chooses, prepares and repeats."""

    def __init__(self, work: LegWork) -> None:
        super().__init__()
        self._work = work

    @property
    def model_name(self) -> str:
        """Return the revision's model, as it is named there."""
        return self._work.context.body.model.name

    @property
    def system(self) -> str:
        """Return where requests go."""
        return "signoff"

    def prepare_messages(
        self, messages: list[ModelMessage], model_request_parameters: ModelRequestParameters | None = None
    ) -> list[ModelMessage]:
        """Leave them alone: the candidate that answers prepares them its own way."""
        return messages

    def prepare_request(
        self, model_settings: ModelSettings | None, model_request_parameters: ModelRequestParameters
    ) -> tuple[ModelSettings | None, ModelRequestParameters]:
        """Leave it alone, as above."""
        return model_settings, model_request_parameters

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Return the answer, or end the leg.

        Raises:
            LegStopped: a limit is reached, the run is called off, a policy stopped it, or no model answers.
            LegWaits: no provider answers and the revision says to wait.
            LegHeld: its money is used up, and people are asked for more.
        """
        work = self._work
        live = list(work.live())
        self._check(live)
        work.requests += 1
        turn = len(answers.responses_in(live)) + 1
        work.last_step = f"m:{work.context.leg}:{work.requests}"
        call = ModelCall(
            key=work.last_step,
            turn=turn,
            messages=messages,
            settings=model_settings,
            parameters=model_request_parameters,
            messages_before=len(live),
        )
        outcome = await self._think(call, live[work.saved :], work.saved)
        faultpoint("journaled")
        work.saved = len(live)
        response = self._answer(outcome, live)
        await refuse_unknown(work, response, model_request_parameters, turn)
        return response

    async def _think(self, call: ModelCall, fresh: list[ModelMessage], first: int) -> dict[str, Any]:
        work = self._work
        context = work.context

        def save(session: Session, redactor: Redactor) -> None:
            conversation.save(session, redactor, context, first=first, messages=fresh)

        async def whole() -> dict[str, Any]:
            return (await think(work.services, context, call, beside=save)).as_plain()

        return await work.flight.guarded(whole)

    def _answer(self, outcome: dict[str, Any], live: list[ModelMessage]) -> ModelResponse:
        work = self._work
        if work.called_off(outcome) and work.stop is not None:
            raise LegStopped(work.stop, work.last_step)
        if outcome["kind"] == "waits":
            resume_at = outcome.get("resume_at")
            raise LegWaits(
                outcome.get("code") or "provider_outage",
                outcome.get("reason") or "No model provider answers at the moment.",
                datetime.fromisoformat(resume_at) if resume_at else None,
            )
        if outcome["kind"] == "held":
            raise LegHeld(Hold(outcome["hold"]["call"], "budget", outcome["hold"]["approval"]))
        if outcome["kind"] != "answered":
            raise LegStopped(_stop_of(outcome), work.last_step)
        response = ModelMessagesTypeAdapter.validate_python([outcome["response"]])[0]
        if not isinstance(response, ModelResponse):
            raise LegStopped(
                Stop("failed", "malformed_output", "The model's answer was not an answer."), work.last_step
            )
        response = answers.tidy(response, live, has_schema=work.context.body.output_schema is not None)
        self._check_calls(response, live)
        return response

    def _check(self, live: list[ModelMessage]) -> None:
        """Hold the limits of the revision. Only from what is recorded, so a replay decides the same."""
        work, limits = self._work, self._work.context.body.limits
        if work.stop is not None:
            raise LegStopped(work.stop, work.failed_step)
        if answers.repairs_in(live) > answers.REPAIRS_MAX:
            known = answers.unusable(live, tokens_max=work.context.body.model.settings.max_tokens)
            if known is not None:
                self._fail(*known)
            words = shortened("; ".join(answers.complaints(live[-1])), 800)
            self._fail(
                "malformed_output",
                f"The model's answer was unusable, also after {answers.REPAIRS_MAX} requests to correct it: {words}",
            )
        if len(answers.responses_in(live)) >= limits.turns:
            self._fail("turn_limit", f"The run used all of its {limits.turns} turns without coming to an answer.")
        if answers.tokens_in(live) >= limits.tokens:
            self._fail("token_limit", f"The run used its {limits.tokens:,} tokens without coming to an answer.")

    def _check_calls(self, response: ModelResponse, live: list[ModelMessage]) -> None:
        now = answers.calls_in([response])
        at_once = self._work.services.settings.tool_calls_per_turn_max
        if now > at_once:
            self._fail(
                "too_many_tool_calls",
                f"The model asked for {now:,} tool calls in one answer; at most {at_once} are allowed. None was made.",
            )
        allowed = self._work.context.body.limits.tool_calls
        if answers.calls_in(live) + now > allowed:
            self._fail(
                "tool_call_limit",
                f"The run may make {allowed} tool calls and the model asked for more. The last ones were not made.",
            )

    def _fail(self, code: str, reason: str) -> None:
        raise LegStopped(Stop("failed", code, reason), self._work.last_step)


def _stop_of(outcome: dict[str, Any]) -> Stop:
    return stop_of(outcome.get("code") or "model_failed", outcome.get("reason") or "No model gave an answer.")
