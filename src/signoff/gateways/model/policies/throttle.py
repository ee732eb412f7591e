"""A provider gets only so many calls at once, and none while it asked to be left alone."""

from __future__ import annotations

from signoff.gateways.chain import Proceed
from signoff.gateways.model.call import Answer, Asked


class Throttle:
    """Waits for a slot at the provider. Innermost: a call that waits to be repeated holds no slot."""

    name = "throttle"

    async def around(self, call: Asked, proceed: Proceed[Asked, Answer], /) -> Answer:
        """Return the answer, once it was this call's turn."""
        provider = call.services.providers.name(call.model).provider
        throttle = call.services.throttles.of(provider)
        await throttle.wait()
        async with throttle.slots:
            return await proceed(call)
