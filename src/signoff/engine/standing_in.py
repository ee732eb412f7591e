"""Makes a gateway's call as the process that may make it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from signoff import durable

_REPLACED = "worker_replaced"
_TRIES = 10


class _Outcome(Protocol):
    """What both gateways return."""

    @property
    def code(self) -> str | None: ...

    def as_plain(self) -> dict[str, Any]: ...


async def standing_in(call: Callable[[], Awaitable[_Outcome]]) -> dict[str, Any]:
    """Make `call` and return its outcome as plain JSON.

    A gateway refuses while this process cannot prove that its lease holds. That is no outcome of the run: either the
    process has been replaced, and ends here, or its database was away, and the call is made when it is back.
    """
    outcome = await call()
    for _ in range(_TRIES):
        if outcome.code != _REPLACED:
            break
        await durable.until_may_act()
        outcome = await call()
    return outcome.as_plain()
