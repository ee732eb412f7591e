"""A conversation with the secrets in it masked: as a model is shown it, and as it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from pydantic_ai.messages import ModelMessage, ModelRequest

from signoff.kit.redact import Redactor


def masked_messages(messages: Sequence[ModelMessage], redactor: Redactor) -> list[ModelMessage]:
    """Return the messages with every secret in their texts and arguments masked. What is clean is not copied."""
    if redactor.is_empty:
        return list(messages)
    return [_masked(message, redactor) for message in messages]


def _masked(message: ModelMessage, redactor: Redactor) -> ModelMessage:
    parts = [_masked_part(part, redactor) for part in cast("Sequence[Any]", message.parts)]
    is_same = all(new is old for new, old in zip(parts, message.parts, strict=True))
    if isinstance(message, ModelRequest) and message.instructions:
        instructions = redactor.text(message.instructions)
        if instructions != message.instructions:
            return replace(message, parts=parts, instructions=instructions)
    return message if is_same else replace(message, parts=parts)


def _masked_part(part: Any, redactor: Redactor) -> Any:
    changes: dict[str, Any] = {}
    for field in ("content", "args"):
        value = getattr(part, field, None)
        if value is None or isinstance(value, bytes):
            continue
        masked = redactor.value(value) if _is_plain(value) else value
        if masked is not value and masked != value:
            changes[field] = masked
    return replace(part, **changes) if changes else part


def _is_plain(value: Any) -> bool:
    """Return whether `value` is JSON. A list of a prompt may also hold images and documents, which stay as they are."""
    return not isinstance(value, list | tuple) or all(
        item is None or isinstance(item, str | int | float | dict | list) for item in cast("list[Any]", value)
    )
