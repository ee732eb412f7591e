"""What a worker does for an order to stop many runs, and for an agent that was resumed."""

from __future__ import annotations

import asyncio

from sqlalchemy.orm import Session

from signoff.gateways.services import Services
from signoff.record import outbox
from signoff.record.outbox import Message
from signoff.runs import actions, stuck

# Others write between two batches.
_BREATH_SECONDS = 0.01
_LOOK_EVERY_SECONDS = 0.2
_LOOKS_MAX = 600


async def stop(services: Services, message: Message) -> None:
    """Call off in batches what an order names, wait until what ran has ended, and write down how long it took.

    Taken up again after a crash, it goes on with what is left.
    """
    order_id = message.payload["order"]
    while await services.store.write_async(actions.stop_some, order_id):  # noqa: ASYNC110  # It does the work itself.
        await asyncio.sleep(_BREATH_SECONDS)
    for _ in range(_LOOKS_MAX):
        if await services.store.write_async(actions.finish_stop, order_id):
            return
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    raise TimeoutError("runs that were asked to end have not ended; looking again later")


async def start_queued(services: Services, message: Message) -> None:
    """Start what was queued while an agent was paused. More than a thousand are left to the sweeps."""

    def work(session: Session) -> None:
        for workspace_id, run_id, leg in stuck.queued_of(session, message.payload["agent_id"]):
            outbox.send(session, workspace_id=workspace_id, kind=actions.START, payload={"run_id": run_id, "leg": leg})

    await services.store.write_async(work)
