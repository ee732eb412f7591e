"""No secret leaves in a prompt: wherever it came from, a mask goes in its place."""

from __future__ import annotations

from dataclasses import replace

from pydantic_ai.models import ModelRequestParameters

from signoff.gateways.chain import Proceed
from signoff.gateways.leaks import leaking, masked_names
from signoff.gateways.model.call import Answer, Asked
from signoff.gateways.model.masked import masked_messages
from signoff.kit.redact import Redactor


class Redact:
    """Masks every secret of the environment in what is sent. What comes back is masked where it is read."""

    name = "redact"

    async def around(self, call: Asked, proceed: Proceed[Asked, Answer], /) -> Answer:
        """Return the answer to the masked request."""
        redactor = call.facts.redactor
        if redactor.is_empty:
            return await proceed(call)
        messages, parameters = masked_messages(call.messages, redactor), _parameters(call.parameters, redactor)
        names = frozenset[str]().union(
            *(masked_names(old, new) for old, new in zip(call.messages, messages, strict=True)),
            masked_names(call.parameters.instruction_parts, parameters.instruction_parts),
        )
        if names:
            call.log.closing.append(leaking(call.run, call.call.key, "prompt", call.run.body.model.name, names))
        return await proceed(replace(call, messages=messages, parameters=parameters))


def _parameters(parameters: ModelRequestParameters, redactor: Redactor) -> ModelRequestParameters:
    parts = parameters.instruction_parts
    if not parts:
        return parameters
    masked = [replace(part, content=redactor.text(part.content)) for part in parts]
    return replace(parameters, instruction_parts=masked)
