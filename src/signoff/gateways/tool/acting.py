"""The one place where a connector is called."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from signoff.connectors import faults
from signoff.connectors.protocol import ToolAnswer
from signoff.gateways.chain import Objected, Verdict
from signoff.gateways.standing import STALE_SECONDS, revoked, standing_of
from signoff.gateways.tool.call import Act
from signoff.gateways.tool.facts import freeze_over
from signoff.gateways.tool.offers import check_offer
from signoff.gateways.tool.policies.freeze import Freeze, frozen
from signoff.gateways.tool.policies.revocation import Revocation
from signoff.gateways.tool.policies.window import Window
from signoff.kit import clock
from signoff.kit.errors import ConnectorError
from signoff.kit.faultpoints import faultpoint
from signoff.tables.connections import Connection

_WINDOW = Window()
TIMEOUT_SECONDS = 60.0
_TIMEOUT_SECONDS_MAX = 600.0
# A connector ends its calls itself; this is for one that does not.
_GRACE_SECONDS = 5.0


async def act_outside(act: Act) -> ToolAnswer:
    """Send the call once and return the answer.

    Raises:
        ConnectorError: the outside system failed; code `connector_outcome_unknown` when it may have acted.
        NotSent: the tool is not what was accepted.
        Objected: the run may not act any more, or not write.
        TakenOver: another worker works on it.
    """
    tool = act.facts.tool
    if tool is None:
        raise faults.fault(faults.UNKNOWN_TOOL, f"There is no tool {act.call.name}.")
    link = await act.services.pool.link(tool.connection_id, tool.version, tool.kind, act.config)
    await check_offer(act, tool, link)
    # Right before the act, and after the link was opened: opening may take long.
    await _check_standing(act, tool.connection_id)
    timeout = timeout_seconds(tool.config)
    try:
        async with asyncio.timeout(timeout + _GRACE_SECONDS):
            answer = await link.call(act.call.tool, act.args, key=_key(act), timeout_seconds=timeout)
    except ConnectorError:
        raise
    except TimeoutError:
        raise faults.unknown_outcome(f"{act.call.name} did not answer within {timeout:.0f} seconds.") from None
    except Exception as error:
        # A connector that breaks in an unforeseen way may have broken after it acted.
        raise faults.unknown_outcome(f"The connector of {act.call.slot} failed ({type(error).__name__}).") from error
    faultpoint("tool-sent")
    return answer


def timeout_seconds(config: dict[str, Any]) -> float:
    """Return how long one call may take: the connection's `timeout_seconds`, else a minute."""
    own = config.get("timeout_seconds")
    if isinstance(own, int | float) and not isinstance(own, bool) and own > 0:
        return min(float(own), _TIMEOUT_SECONDS_MAX)
    return TIMEOUT_SECONDS


def _key(act: Act) -> str | None:
    return None if act.facts.is_read else act.call.key


async def _check_standing(act: Act, connection_id: str) -> None:
    """Ask again whether the run may act: before every repeat, and when the call had to wait after its guards."""
    services = act.services
    await services.until_may_act()
    if act.log.attempts or clock.monotonic_seconds() - act.log.decided > STALE_SECONDS:
        decided = clock.monotonic_seconds()
        verdict = await services.store.read_async(_verdict_now, act, connection_id)
        if verdict.kind != "allow":
            raise Objected(verdict)
        act.log.decided = decided


def _verdict_now(session: Session, act: Act, connection_id: str) -> Verdict:
    run = act.run
    standing = standing_of(session, run, connection=session.get(Connection, connection_id))
    verdict = replace(revoked(standing), policy=Revocation.name)
    if verdict.kind == "allow" and not act.facts.is_read:
        freeze = freeze_over(session, run, standing, connection_id)
        verdict = replace(frozen(freeze), policy=Freeze.name)
    if verdict.kind != "allow":
        return verdict
    # It may have closed while the call waited for its turn.
    return replace(_WINDOW.check((run, act.call), act.facts), policy=Window.name)
