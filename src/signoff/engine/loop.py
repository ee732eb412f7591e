"""The agent loop of one leg: the agent library's loop, built from the revision, with both gateways as its outside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import (
    Agent,
    DeferredToolRequests,
    DeferredToolResults,
    ToolApproved,
    ToolFailed,
    UsageLimits,
    capture_run_messages,
)
from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.messages import ModelMessage

from signoff.engine.answers import responses_in
from signoff.engine.flights import Stop
from signoff.engine.model import GatewayModel
from signoff.engine.output import OutputShape, shape_of
from signoff.engine.tools import RETRIES_OF_THE_LIBRARY, GatewayToolset
from signoff.engine.work import LegStopped, LegWaits, LegWork
from signoff.kit.text import shortened
from signoff.runs.holds import Hold


@dataclass(frozen=True, slots=True)
class LegEnd:
    """How a leg ended, in plain values.

    Args:
        kind: `completed` with `output`; `stopped` by `stop`; `held` until calls are settled; `waits` for a provider.
        unsaved: the messages that are not stored yet.
    """

    kind: str
    output: Any = None
    stop: Stop | None = None
    failed_step: str | None = None
    holds: Sequence[Hold] = ()
    code: str = ""
    reason: str = ""
    resume_at: str | None = None
    unsaved: Sequence[ModelMessage] = field(default_factory=tuple[ModelMessage, ...])


def build_agent(work: LegWork, shape: OutputShape) -> Agent[None, Any]:
    """Return the agent of a leg. Nothing is registered anywhere, so revisions made at run time leave nothing behind."""
    agent: Agent[None, Any] = Agent(
        GatewayModel(work),
        name=work.context.agent_slug,
        # A text, not a template: {{secret.X}} in an SOP stays as it is.
        instructions=work.context.body.sop or None,
        output_type=shape.types,
        toolsets=[GatewayToolset(work)],
        retries={"tools": RETRIES_OF_THE_LIBRARY, "output": RETRIES_OF_THE_LIBRARY},
    )

    @agent.output_validator
    def fits(output: Any) -> Any:
        if not isinstance(output, DeferredToolRequests):
            shape.check(output)
        return output

    return agent


def prompt_of(value: Any) -> str:
    """Return an input as the model reads it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def answers_to(settled: dict[str, dict[str, Any]]) -> DeferredToolResults | None:
    """Return what the agent is told about calls a person settled; None when there are none."""
    if not settled:
        return None
    results = DeferredToolResults()
    for call_id, settlement in settled.items():
        words = settlement.get("reason") or "no reason given"
        match settlement["outcome"]:
            case "happened":
                value = settlement.get("result")
                results.calls[call_id] = value if value is not None else f"Done. A person checked: {words}"
            case "did_not_happen_retry" | "go" | None:
                # None: its answer came before anybody settled it, and the ledger gives it when it is asked again.
                results.approvals[call_id] = ToolApproved()
            case "approved":
                results.approvals[call_id] = ToolApproved(override_args=settlement.get("args"))
            case "denied" | "expired":
                results.calls[call_id] = ToolFailed(words)
            case "answered":
                results.calls[call_id] = settlement.get("value")
            case _:
                results.calls[call_id] = ToolFailed(f"This was not done. A person checked: {words}")
    return results


async def run_loop(work: LegWork, given: Any, settled: dict[str, dict[str, Any]]) -> LegEnd:
    """Run the agent until it answers, waits or must end."""
    shape = shape_of(work.context.body.output_schema)
    agent = build_agent(work, shape)
    prompt = None if work.history else prompt_of(given)
    with capture_run_messages() as seen, agent.parallel_tool_call_execution_mode("parallel_ordered_events"):
        work.live = lambda: list(seen)
        try:
            result = await agent.run(
                prompt,
                message_history=work.history or None,
                deferred_tool_results=answers_to(settled),
                conversation_id=work.context.run_id,
                # Our own limits hold; the library's default would end a run after 50 requests.
                usage_limits=UsageLimits(request_limit=None),
            )
        except LegStopped as ended:
            return LegEnd("stopped", stop=ended.stop, failed_step=ended.failed_step, unsaved=_unsaved(work, seen))
        except LegWaits as waits:
            resume_at = waits.resume_at.isoformat() if waits.resume_at else None
            return LegEnd(
                "waits", code=waits.code, reason=waits.reason, resume_at=resume_at, unsaved=_unsaved(work, seen)
            )
        except (AgentRunError, UserError, RecursionError) as error:
            stop = Stop(
                "failed", "malformed_output", f"The model's answer could not be used: {shortened(str(error), 500)}"
            )
            return LegEnd("stopped", stop=stop, failed_step=work.last_step, unsaved=_unsaved(work, seen))
        unsaved = result.all_messages()[work.saved :]
    if work.stop is not None:
        return LegEnd("stopped", stop=work.stop, failed_step=work.failed_step, unsaved=unsaved)
    if isinstance(result.output, DeferredToolRequests):
        return LegEnd("held", holds=tuple(work.holds), unsaved=unsaved)
    code, reason = _remark(work, shape, result.all_messages())
    return LegEnd("completed", output=shape.unwrapped(result.output), code=code, reason=reason, unsaved=unsaved)


def _remark(work: LegWork, shape: OutputShape, messages: Sequence[ModelMessage]) -> tuple[str, str]:
    """Return code and words when a text may lack its end. A structured answer was checked whole."""
    said = responses_in(messages)
    if shape.schema is not None or not said or said[-1].finish_reason != "length":
        return "", ""
    most = work.context.body.model.settings.max_tokens
    words = (
        f"The model reached the longest answer it may give ({most:,} tokens, model.settings.max_tokens), so the end of "
        "this answer is missing."
    )
    return "answer_cut_off", words


def _unsaved(work: LegWork, seen: Sequence[ModelMessage]) -> list[ModelMessage]:
    messages = list(seen)
    return messages[work.saved :]
