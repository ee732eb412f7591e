"""A tool is called only as it was accepted, also when its system has changed it since without telling anybody."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from signoff.connections.actions import note_offer
from signoff.connectors.protocol import Link, Offering, ToolSpec
from signoff.gateways.tool.call import Act
from signoff.gateways.tool.facts import BoundTool
from signoff.gateways.tool.policies.once import NotSent
from signoff.watch.actions import raise_alert

ALERT_KIND = "tool_changed"


async def check_offer(act: Act, tool: BoundTool, link: Link) -> None:
    """Return when the tool is offered as it was accepted.

    Raises:
        NotSent: it changed or is offered no more; kept on the tool, so that the next call is refused by its guard.
        ConnectorError: the system does not tell what it offers.
    """
    if not isinstance(link, Offering):
        return
    offered = await link.offer(act.call.tool)
    if offered is not None:
        # What was pinned had its secrets masked, as everything that is kept.
        masked: dict[str, Any] = act.facts.redactor.value(offered.definition)
        pinned = ToolSpec(**masked)
        if tool.definition_hash in (offered.hash, pinned.hash):
            return
        offered = pinned
    what = (
        "is no longer offered; take it out of the agent, or restore it there"
        if offered is None
        else "has changed since it was accepted; someone has to look at it and accept it again"
    )
    reason = f"The tool {act.call.name} {what}. It was not called."

    def keep(session: Session) -> None:
        note_offer(session, tool.connection_id, act.call.tool, offered)
        key = f"tool:{tool.connection_id}:{act.call.tool}"
        raise_alert(session, act.run.workspace_id, key=key, kind=ALERT_KIND, text=reason)

    await act.services.store.write_async(keep)
    raise NotSent(reason, "tool_removed" if offered is None else "tool_changed")
