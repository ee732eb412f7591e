"""No secret leaves in a prompt: wherever it came from, a mask goes in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from pydantic_ai.messages import ModelMessage, ModelRequest
from pydantic_ai.models import ModelRequestParameters

from signoff.gateways.chain import Proceed
from signoff.gateways.model.call import Answer, Asked
from signoff.kit.redact import Redactor


class Redact:
    """Masks every secret of the environment in what is sent. What comes back is masked where it is read."""

    name = "redact"

    async def around(self, call: Asked, proceed: Proceed[Asked, Answer], /) -> Answer:
        """Return the answer to the masked request."""
        redactor = call.facts.redactor
        if redactor.is_empty:
            return await proceed(call)
        messages = [_masked(message, redactor) for message in call.messages]
        return await proceed(replace(call, messages=messages, parameters=_parameters(call.parameters, redactor)))


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


def _parameters(parameters: ModelRequestParameters, redactor: Redactor) -> ModelRequestParameters:
    parts = parameters.instruction_parts
    if not parts:
        return parameters
    masked = [replace(part, content=redactor.text(part.content)) for part in parts]
    return replace(parameters, instruction_parts=masked)
