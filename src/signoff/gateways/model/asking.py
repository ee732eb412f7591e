"""The one place where a model is asked: streamed where the provider streams, whole where it does not."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

from pydantic_ai.exceptions import ModelAPIError, UnexpectedModelBehavior
from pydantic_ai.messages import ModelResponse, PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta, ToolCallPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage

from signoff.gateways.chain import Objected
from signoff.gateways.leaks import leaking, masked_names
from signoff.gateways.model import sizes
from signoff.gateways.model.answers import TEXTS, counted_max, fit_to_keep, problem_with
from signoff.gateways.model.call import Answer, Asked, ModelFailed, Waste
from signoff.gateways.model.failures import classify, quoted
from signoff.gateways.model.live_text import LiveText
from signoff.gateways.model.providers import ModelName
from signoff.gateways.model.providers.http import answered_whole
from signoff.gateways.standing import STALE_SECONDS, revoked, standing_of
from signoff.kit import clock
from signoff.kit.faultpoints import faultpoint

log = logging.getLogger(__name__)

# Far more than any model reads or writes in one call.
_TOKENS_MAX = 100_000_000


async def ask(asked: Asked) -> Answer:
    """Send the request once and return the checked answer.

    Raises:
        ModelFailed: there is no usable answer, whatever the provider did.
        Objected: the run may not act any more.
        TakenOver: another worker works on it.
    """
    await _check_standing(asked)
    name = asked.services.providers.name(asked.model)
    faultpoint("before-llm")
    try:
        async with asyncio.timeout(_seconds(asked, name)):
            response = await _response(asked)
    except Exception as error:
        # A provider may make its client library raise anything at all.
        failure = classify(error, name)
        said = asked.facts.redactor.text(quoted(f"{type(error).__name__}: {error}"))
        log.info("model call failed: %s %s %s", asked.model, failure.code, said)
        raise ModelFailed(failure, asked.model) from error
    problem = problem_with(response, name, tool_calls_max=asked.services.settings.tool_calls_per_turn_max)
    if problem is not None:
        usage = response.usage if _is_believable(response.usage) else None
        raise ModelFailed(problem, asked.model, Waste(asked.model, usage, sizes.tokens_out(response)))
    kept = fit_to_keep(response, asked.call.key, asked.facts.redactor)
    names = frozenset[str]().union(
        *(
            masked_names([getattr(old, one, None) for one in TEXTS], [getattr(new, one, None) for one in TEXTS])
            for old, new in zip(response.parts, kept.parts, strict=True)
        )
    )
    if names:
        asked.log.closing.append(leaking(asked.run, asked.call.key, "answer", asked.run.body.model.name, names))
    return _priced(asked, kept)


def _seconds(asked: Asked, name: ModelName) -> float:
    own = asked.run.body.model.settings.timeout_seconds
    limit = name.configured.timeout_seconds if name.configured else None
    return own if limit is None else min(own, limit)


async def _check_standing(asked: Asked) -> None:
    """Ask again whether the run may act, when something made the call wait since its guards were asked."""
    services = asked.services
    await services.until_may_act()
    if clock.monotonic_seconds() - asked.log.decided > STALE_SECONDS:
        verdict = revoked(await services.store.read_async(standing_of, asked.run))
        if verdict.kind != "allow":
            raise Objected(verdict)
        asked.log.decided = clock.monotonic_seconds()


async def _response(asked: Asked) -> ModelResponse:
    await asked.services.providers.load(asked.model)
    model = asked.services.providers.model(asked.model)
    messages = model.prepare_messages(list(asked.messages), asked.parameters)
    name = asked.services.providers.name(asked.model)
    live = LiveText(asked)
    without_streams = asked.services.providers.without_streams
    if not isinstance(model, FunctionModel) and name.provider not in without_streams:
        try:
            return await _streamed(asked, model, messages, live)
        except (ModelAPIError, UnexpectedModelBehavior):
            if not answered_whole():
                raise
    response = await model.request(messages, asked.settings, asked.parameters)
    if not isinstance(model, FunctionModel):
        # It can answer, only not in a stream: that is remembered, so that nothing is asked twice again.
        without_streams.add(name.provider)
    live.whole(response)
    return response


async def _streamed(asked: Asked, model: Model, messages: list[Any], live: LiveText) -> ModelResponse:
    calls, calls_max = 0, counted_max(asked.services.settings.tool_calls_per_turn_max)
    async with model.request_stream(messages, asked.settings, asked.parameters) as stream:
        async for event in stream:
            if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                await live.add(event.part.content)
            elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                await live.add(event.delta.content_delta)
            elif isinstance(event, PartStartEvent) and isinstance(event.part, ToolCallPart):
                calls += 1
                if calls > calls_max:  # It goes on for nobody: none of these is carried out.
                    break
        live.end()
        return stream.get()


def _is_believable(usage: RequestUsage) -> bool:
    """Return whether a provider said how much was used, and said what a model can have used."""
    counts = (usage.input_tokens, usage.output_tokens)
    return any(counts) and all(0 <= count <= _TOKENS_MAX for count in counts)


def _priced(asked: Asked, response: ModelResponse) -> Answer:
    usage = response.usage
    is_estimated = not _is_believable(usage)
    if is_estimated:
        # The tokens of a run are counted from the answers it keeps, too.
        response = replace(response, usage=RequestUsage())
    tokens_in, tokens_out = usage.input_tokens, usage.output_tokens
    price = asked.facts.prices[asked.model]
    if is_estimated:
        tokens_in, tokens_out = sizes.tokens_in(asked.messages, asked.parameters), sizes.tokens_out(response)
        cost = price.of_tokens(tokens_in, tokens_out)
    else:
        cost = price.of(usage)
    return Answer(response, asked.model, tokens_in, tokens_out, cost, is_estimated)
