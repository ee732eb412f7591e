"""The one place where a tool call is repeated: only when it surely was not carried out, or may be carried out twice."""

from __future__ import annotations

import asyncio

from signoff.connectors.faults import OUTCOME_UNKNOWN
from signoff.connectors.protocol import ToolAnswer
from signoff.gateways.chain import Proceed
from signoff.gateways.tool.call import Act
from signoff.kit import chance, clock
from signoff.kit.errors import ConnectorError

REPEATS_MAX = 2
_PAUSES_SECONDS = (0.5, 2.0)


class Retry:
    """Repeats transient failures of the connector, with a pause, twice at most."""

    name = "retry"

    async def around(self, call: Act, proceed: Proceed[Act, ToolAnswer], /) -> ToolAnswer:
        """Return the first answer; the last failure when there is none."""
        for number in range(REPEATS_MAX + 1):
            started = clock.monotonic_seconds()
            try:
                answer = await proceed(call)
            except ConnectorError as error:
                _note(call, started, error)
                if number == REPEATS_MAX or not may_repeat(call, error):
                    raise
                await asyncio.sleep(chance.jittered(_PAUSES_SECONDS[number]))
            else:
                _note(call, started, None)
                return answer
        raise AssertionError("unreachable")


def may_repeat(call: Act, error: ConnectorError) -> bool:
    """Return whether sending the call again can do no harm and may help."""
    if not error.is_transient:
        return False
    if error.code != OUTCOME_UNKNOWN or call.facts.is_read:
        return True
    return call.facts.tool is not None and call.facts.tool.is_idempotent


def _note(call: Act, started: float, error: ConnectorError | None) -> None:
    attempt: dict[str, object] = {"seconds": round(clock.monotonic_seconds() - started, 3)}
    if error is not None:
        attempt |= {"code": error.code, "error": call.facts.redactor.text(error.detail)}
    call.log.attempts.append(attempt)
