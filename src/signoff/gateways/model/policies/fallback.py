"""When the revision's model gives no answer, the next one it names is asked."""

from __future__ import annotations

from dataclasses import replace

from signoff.gateways.chain import Proceed
from signoff.gateways.model.call import Answer, Asked, ModelFailed
from signoff.gateways.model.facts import candidates
from signoff.gateways.model.policies.retry import pay_for_waste
from signoff.kit.errors import ProviderError

# Another model would be asked for the same thing in vain, or for something nobody wants twice.
_FINAL = frozenset({"too_many_tool_calls"})


class Fallback:
    """Asks the candidates in their order until one answers. Each attempt is recorded with its reason."""

    name = "fallback"

    async def around(self, call: Asked, proceed: Proceed[Asked, Answer], /) -> Answer:
        """Return the first candidate's answer; when none has one, the first candidate's failure."""
        first: ModelFailed | None = None
        latest: ModelFailed | None = None
        for model in candidates(call.run):
            if latest is not None:
                await pay_for_waste(call, latest)
            try:
                return await proceed(replace(call, model=model))
            except ModelFailed as failed:
                latest = failed
                first = first or failed
                if failed.failure.code in _FINAL:
                    break
        if first is None:
            raise ProviderError("The revision names no model.", code="model_not_found")
        # The first failure tells most; what the last attempt wasted is still to be booked.
        first.unpaid = latest.unpaid if latest is not None else None
        raise first
