"""A call that was surely not made gives its place under a cap back."""

from __future__ import annotations

from signoff.connectors.faults import OUTCOME_UNKNOWN
from signoff.connectors.protocol import ToolAnswer
from signoff.gateways.chain import Objected, Proceed
from signoff.gateways.tool.call import Act
from signoff.gateways.tool.policies.once import NotSent
from signoff.kit.errors import ConnectorError


class Place:
    """Keeps the place of a call that was made, or may have been; one of which nothing was done gives it back."""

    name = "place"

    async def around(self, call: Act, proceed: Proceed[Act, ToolAnswer], /) -> ToolAnswer:
        """Return the answer.

        Raises:
            Known, ConnectorError, NotSent, Objected: as inside.
        """
        try:
            return await proceed(call)
        except (NotSent, Objected, ConnectorError):
            # An attempt that was not answered may have been carried out.
            call.log.gives_place_back = all(attempt.get("code") != OUTCOME_UNKNOWN for attempt in call.log.attempts)
            raise
