"""What the model answered, made safe to work with: unique call ids, a bounded number of calls. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponsePart,
    RetryFeedbackPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)

from signoff.kit.text import storable_within

OUTPUT_TOOL = "final_result"
REPAIRS_MAX = 2
_ID = re.compile(r"^[A-Za-z0-9_.:-]{1,64}$")
_FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*)\n\s*```\s*$", re.DOTALL)


def tidy(response: ModelResponse, history: Sequence[ModelMessage], *, has_schema: bool) -> ModelResponse:
    """Return the response with call ids that no earlier call of the run has.

    A ledger and a record find calls by id, and some models repeat theirs, leave them empty or make them very long.
    Where a structured answer is wanted and came as JSON text, it becomes the call it should have been.
    """
    used = {
        call.tool_call_id for message in history if isinstance(message, ModelResponse) for call in message.tool_calls
    }
    turn = sum(isinstance(message, ModelResponse) for message in history) + 1
    parts: list[ModelResponsePart] = []
    for number, part in enumerate(_as_calls(response.parts) if has_schema else response.parts):
        if isinstance(part, ToolCallPart):
            call_id = _unique(part.tool_call_id, used, turn, number)
            used.add(call_id)
            parts.append(part if call_id == part.tool_call_id else replace(part, tool_call_id=call_id))
        else:
            parts.append(part)
    return replace(response, parts=parts, state="complete")


def _unique(call_id: str, used: set[str], turn: int, number: int) -> str:
    if not _ID.match(call_id):
        call_id = f"call_{hashlib.sha256(call_id.encode('utf-8', 'replace')).hexdigest()[:16]}"
    if call_id not in used:
        return call_id
    return f"{call_id[:48]}_t{turn}n{number}"


def _as_calls(parts: Sequence[ModelResponsePart]) -> Sequence[ModelResponsePart]:
    if any(isinstance(part, ToolCallPart) for part in parts):
        return parts
    text = "".join(part.content for part in parts if isinstance(part, TextPart))
    fenced = _FENCE.match(text)
    try:
        # An escaped NUL or half a character has passed the gateway as letters, and comes alive here.
        value = storable_within(json.loads(fenced[1] if fenced else text))
    except (ValueError, RecursionError):
        return parts
    if not isinstance(value, dict):
        return parts
    others = [part for part in parts if not isinstance(part, TextPart)]
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    return [*others, ToolCallPart(OUTPUT_TOOL, cast("dict[str, Any]", value), tool_call_id=f"answer_{digest}")]


def calls_in(messages: Sequence[ModelMessage]) -> int:
    """Return how many tool calls the model has asked for so far, the final answer not counted."""
    return sum(
        call.tool_name != OUTPUT_TOOL
        for message in messages
        if isinstance(message, ModelResponse)
        for call in message.tool_calls
    )


def responses_in(messages: Sequence[ModelMessage]) -> list[ModelResponse]:
    """Return the model's answers so far."""
    return [message for message in messages if isinstance(message, ModelResponse)]


def tokens_in(messages: Sequence[ModelMessage]) -> int:
    """Return how many tokens, in and out, the run has used so far."""
    return sum(answer.usage.input_tokens + answer.usage.output_tokens for answer in responses_in(messages))


def complaints(message: ModelMessage) -> list[str]:
    """Return what was wrong with the answer before this request; empty when nothing was."""
    if not isinstance(message, ModelRequest):
        return []
    found: list[str] = []
    for part in message.parts:
        if isinstance(part, RetryFeedbackPart) or (isinstance(part, ToolReturnPart) and part.outcome == "retried"):
            name = f"{part.tool_name}: " if isinstance(part, ToolReturnPart) else ""
            found.append(f"{name}{_words(part)}")
    return found


def _words(part: RetryFeedbackPart | ToolReturnPart) -> str:
    content: Any = part.content
    if isinstance(content, str):
        return content
    listed: Any = part.content
    items = cast("list[Any]", listed) if isinstance(listed, list) else []
    if items and all(isinstance(item, dict) and "msg" in item for item in items):
        # The library's list of what does not fit: people need its sentences, not its form.
        return "; ".join(str(item["msg"]) for item in items)
    try:
        return json.dumps(content, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return str(content)


def unusable(messages: Sequence[ModelMessage], *, tokens_max: int) -> tuple[str, str] | None:
    """Return code and words for a latest answer that was cut off, or gave no result; None when it is another matter."""
    said = responses_in(messages)
    if not said:
        return None
    if said[-1].finish_reason == "length":
        return (
            "answer_cut_off",
            f"The answer was cut off at max_tokens ({tokens_max:,}); raise model.settings.max_tokens.",
        )
    if not any(isinstance(part, RetryFeedbackPart) and part.retry.cause == "no_output" for part in messages[-1].parts):
        return None
    problem = f"The model's answer was unusable, also after {REPAIRS_MAX} requests to correct it"
    if not said[-1].text:
        return "malformed_output", f"{problem}: it was empty. Try again, or choose another model."
    advice = "Say in the SOP that the work ends with the result, or choose a model that is better at calling tools."
    return "malformed_output", f"{problem}: it answered in prose instead of a result. {advice}"


def repairs_in(messages: Sequence[ModelMessage]) -> int:
    """Return how many times in a row the model has now been asked to correct itself."""
    count = 0
    for message in reversed(messages):
        if isinstance(message, ModelRequest):
            if not complaints(message):
                break
            count += 1
    return count
