"""A model's answer, checked and made fit to keep, before anything else sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse, ModelResponsePart, ToolCallPart

from signoff.gateways.model.call import Failure
from signoff.gateways.model.failures import filtered
from signoff.gateways.model.providers import ModelName
from signoff.kit.redact import Redactor
from signoff.kit.text import storable, storable_within

NAME_CHARS_MAX = 200
# The parts of an answer that a model writes.
TEXTS = ("content", "args", "tool_name")
# What its provider writes beside them, which may repeat the key it was asked with.
_BESIDES = ("id", "signature", "provider_details", "citations")


def problem_with(response: ModelResponse, name: ModelName, *, tool_calls_max: int) -> Failure | None:
    """Return why `response` must not be used, or None."""
    calls = sum(isinstance(part, ToolCallPart) for part in response.parts)
    if calls > tool_calls_max:
        most = counted_max(tool_calls_max)
        # A stream is left at the first one that is not counted; an answer that came whole is counted whole.
        number = f"more than {most:,}" if calls == most + 1 else f"{calls:,}"
        return Failure(
            "too_many_tool_calls",
            f"{name.full[:80]} asked for {number} tool calls in one answer; at most {tool_calls_max} are carried out. "
            "None was. (SIGNOFF_TOOL_CALLS_PER_TURN_MAX)",
            is_billed=True,
        )
    if response.finish_reason == "content_filter" and not response.parts:
        return filtered(name, is_billed=True)
    if response.state != "complete":
        return Failure(
            "model_answer_cut_off",
            f"{name.label} did not finish its answer.",
            is_transient=True,
            is_provider_fault=True,
            is_billed=True,
        )
    return None


def counted_max(tool_calls_max: int) -> int:
    """Return up to how many tool calls of a stream are counted. Of more than that, the rest is not read."""
    return 2 * tool_calls_max


def fit_to_keep(response: ModelResponse, call_key: str, redactor: Redactor) -> ModelResponse:
    """Return the answer with our own call ids, storable texts, secrets masked, and nothing that nobody reads.

    A provider may repeat a call's id within an answer or from one answer to the next. Ours are unique in the run,
    because the record of what was done is kept by them.
    """
    prefix = "call_" + call_key.replace("m:", "").replace(":", "_")
    parts = [_clean_part(part, f"{prefix}_{number}", redactor) for number, part in enumerate(response.parts, 1)]
    return replace(
        response,
        parts=parts,
        usage=replace(response.usage, details={redactor.text(name): n for name, n in response.usage.details.items()}),
        model_name=redactor.text(storable(response.model_name or ""))[:NAME_CHARS_MAX] or None,
        provider_response_id=redactor.text(storable(response.provider_response_id or ""))[:NAME_CHARS_MAX] or None,
        # Raw provider data may be of any size and hold anything.
        provider_details=None,
        metadata=None,
    )


def as_plain(response: ModelResponse) -> dict[str, Any]:
    """Return one answer as plain JSON."""
    return cast("dict[str, Any]", ModelMessagesTypeAdapter.dump_python([response], mode="json")[0])


def from_plain(plain: dict[str, Any]) -> ModelResponse:
    """Return the answer that `as_plain` gave."""
    return cast("ModelResponse", ModelMessagesTypeAdapter.validate_python([plain])[0])


def _clean_part(part: ModelResponsePart, call_id: str, redactor: Redactor) -> ModelResponsePart:
    changes: dict[str, Any] = {}
    for field in (*TEXTS, *_BESIDES):
        value = getattr(part, field, None)
        if value is None or isinstance(value, bytes):
            continue
        changes[field] = redactor.value(storable_within(value))
    if "tool_name" in changes:
        changes["tool_name"] = str(changes["tool_name"])[:NAME_CHARS_MAX]
    if isinstance(part, ToolCallPart):
        changes["tool_call_id"] = call_id
        if part.args is None or (isinstance(part.args, str) and part.args.strip() in ("", "null")):
            # No arguments at all: whether the tool takes that is for its schema to say.
            changes["args"] = "{}"
    return cast("ModelResponsePart", replace(cast("Any", part), **changes)) if changes else part
