"""How long a conversation is, told from its texts: an estimate in tokens, and a shorter form of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters

from signoff.kit.canonical import canonical_json

# On the safe side for English prose (4) and JSON (3); scripts of more bytes per letter have more tokens per letter too.
BYTES_PER_TOKEN = 3
_TOKENS_PER_MESSAGE = 8
# What is left of a conversation that was too long, and the least that is left of any of its texts.
_KEPT_SHARE = 0.5
_TEXT_CHARS_MIN = 500


def tokens_in(messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> int:
    """Return about how many tokens a request has; rather too many than too few."""
    size = sum(_size_of_message(message) for message in messages)
    for tool in (*parameters.function_tools, *parameters.output_tools):
        size += len(tool.name) + len(tool.description or "") + _size(tool.parameters_json_schema)
    return size // BYTES_PER_TOKEN + _TOKENS_PER_MESSAGE * (len(messages) + 1)


def tokens_out(response: ModelResponse) -> int:
    """Return about how many tokens an answer has, for a provider that does not say."""
    return sum(_size(part.__dict__) for part in response.parts) // BYTES_PER_TOKEN + 1


def shortened(messages: list[ModelMessage]) -> list[ModelMessage]:
    """Return the conversation with its longest texts cut, each with a mark, to about half its length."""
    lengths = [len(text) for message in messages for text in _texts(message)]
    wanted = sum(lengths) * _KEPT_SHARE
    limit = max(lengths, default=0)
    while limit > _TEXT_CHARS_MIN and sum(min(length, limit) for length in lengths) > wanted:
        limit = max(limit * 3 // 4, _TEXT_CHARS_MIN)
    return [_cut_message(message, limit) for message in messages]


def _size_of_message(message: ModelMessage) -> int:
    if isinstance(message, ModelRequest):
        return _size(message.instructions) + sum(_size(getattr(part, "content", None)) for part in message.parts)
    return sum(_size(getattr(part, "content", None)) + _size(getattr(part, "args", None)) for part in message.parts)


def _size(value: Any, depth: int = 0) -> int:
    if isinstance(value, str):
        # One byte a letter for plain ASCII, which Python knows without looking; else what UTF-8 takes at most.
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if value is None or depth > 50:
        return 0
    if isinstance(value, dict):
        return sum(len(str(key)) + 6 + _size(item, depth + 1) for key, item in cast("dict[Any, Any]", value).items())
    if isinstance(value, list | tuple):
        return sum(2 + _size(item, depth + 1) for item in cast("list[Any]", value))
    return len(str(value))


def _texts(message: ModelMessage) -> list[str]:
    if not isinstance(message, ModelRequest):
        return []
    return [text for part in message.parts for text in _texts_of(part)]


def _texts_of(part: ModelRequestPart) -> list[str]:
    if isinstance(part, UserPromptPart):
        if isinstance(part.content, str):
            return [part.content]
        return [item for item in part.content if isinstance(item, str)]
    if isinstance(part, ToolReturnPart):
        content: Any = cast("Any", part).content
        return [content if isinstance(content, str) else _as_text(content)]
    return []


def _cut_message(message: ModelMessage, limit: int) -> ModelMessage:
    if not isinstance(message, ModelRequest):
        return message
    return replace(message, parts=[_cut_part(part, limit) for part in message.parts])


def _cut_part(part: ModelRequestPart, limit: int) -> ModelRequestPart:
    if isinstance(part, UserPromptPart):
        if isinstance(part.content, str):
            return replace(part, content=_cut(part.content, limit))
        return replace(part, content=[_cut(item, limit) if isinstance(item, str) else item for item in part.content])
    if isinstance(part, ToolReturnPart):
        content: Any = cast("Any", part).content
        text = content if isinstance(content, str) else _as_text(content)
        return (
            cast("ModelRequestPart", replace(cast("Any", part), content=_cut(text, limit)))
            if len(text) > limit
            else part
        )
    return part


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    mark = f"\n[cut here: {len(text) - head - tail:,} of {len(text):,} characters left out, because all was too long]\n"
    return text[:head] + mark + text[len(text) - tail :]


def _as_text(value: Any) -> str:
    try:
        return canonical_json(value)
    except (TypeError, ValueError, RecursionError):
        return str(value)
