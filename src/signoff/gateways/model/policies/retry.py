"""The one place where a model call is repeated: provider clients do not, and the engine does not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from signoff.agents.body import Retry as RetryRule
from signoff.gateways.chain import Proceed
from signoff.gateways.model import sizes
from signoff.gateways.model.call import Answer, Asked, Failure, ModelFailed
from signoff.kit import chance, clock

# A provider that wants a longer pause is out of order as far as this call is concerned.
RETRY_AFTER_SECONDS_MAX = 60.0
# Each leaves about half of the conversation, so what is ten times too long still gets its answer.
SHORTENINGS_MAX = 4


class Retry:
    """Repeats what may succeed later, by the revision's rule, and a conversation that was too long, shortened."""

    name = "retry"

    async def around(self, call: Asked, proceed: Proceed[Asked, Answer], /) -> Answer:
        """Return the answer of the first attempt that gives one; the last failure otherwise."""
        rule = call.run.body.model.retry
        number = shortenings = 0
        while True:
            started = clock.monotonic_seconds()
            try:
                answer = await proceed(call)
            except ModelFailed as failed:
                note(call, started, failed.failure)
                if failed.failure.is_context_too_long and shortenings < SHORTENINGS_MAX:
                    shortenings += 1
                    call.log.is_truncated = True
                    call = replace(call, messages=sizes.shortened(call.messages))
                    continue
                number += 1
                pause = pause_seconds(rule, number, failed.failure)
                if pause is None:
                    raise
                if failed.failure.retry_after_seconds:
                    provider = call.services.providers.name(call.model).provider
                    call.services.throttles.of(provider).pause(failed.failure.retry_after_seconds)
                await asyncio.sleep(pause)
                await pay_for_waste(call, failed)
            else:
                note(call, started, None)
                return answer


def pause_seconds(rule: RetryRule, number: int, failure: Failure) -> float | None:
    """Return how long to wait before repeat `number` (from 1), or None when the call is not repeated."""
    if not failure.is_transient or number > rule.max_retries:
        return None
    asked_for = failure.retry_after_seconds or 0.0
    if asked_for > RETRY_AFTER_SECONDS_MAX:
        return None
    own = min(rule.backoff_ms * rule.multiplier ** (number - 1), rule.max_backoff_ms) / 1_000
    # Never earlier than the provider asked for; a little later, so that not all come back at once.
    return asked_for + chance.jittered(min(own, 1.0)) if asked_for >= own else chance.jittered(own)


async def pay_for_waste(call: Asked, failed: ModelFailed) -> None:
    """Book an attempt that cost money and gave nothing, and reserve for the next one."""
    if failed.unpaid is not None and call.pay_again is not None:
        await call.pay_again(failed.unpaid)


def note(call: Asked, started: float, failure: Failure | None) -> None:
    """Record one attempt on the step."""
    name = call.services.providers.name(call.model)
    attempt = {
        "provider": name.provider,
        "model": name.full,
        "seconds": round(clock.monotonic_seconds() - started, 3),
    }
    if failure is not None:
        attempt |= {"code": failure.code, "error": call.facts.redactor.text(failure.reason)}
    call.log.attempts.append(attempt)
