"""Carries outbox messages up: each `run.start` becomes a durable workflow in this process, as long as there is room.

Woken at once by a commit in this process and, on Postgres, by one in any other; a poll finds what was missed.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from signoff import durable
from signoff.agents.pauses import held_by
from signoff.engine.carrying import HANDLERS, SLOW
from signoff.engine.claims import claim_fairly, has_due
from signoff.engine.flights import Stop, come_or_time_out
from signoff.engine.precedence import Precedence
from signoff.engine.workflows import Engine, run_leg, workflow_id
from signoff.freezes.lookout import Lookout
from signoff.kit import clock
from signoff.kit.faultpoints import faultpoint
from signoff.record import outbox
from signoff.runs.actions import CANCEL, SHADOW, START

_log = logging.getLogger(__name__)

_CLAIM_MAX = 50
_BACKOFF_SECONDS_MAX = 60.0


class Relay:
    """The loop of one process."""

    def __init__(self, engine: Engine, precedence: Precedence | None = None) -> None:
        self._engine = engine
        self._precedence = precedence or Precedence()
        self._store = engine.services.store
        self._poll_seconds = engine.services.settings.poll_seconds
        self._room = engine.services.settings.worker_concurrency
        self._wake = asyncio.Event()
        self._lookout = Lookout(self._store)
        self._turn = 0
        self._apart: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look now. From the event loop's thread only."""
        self._wake.set()

    async def run(self) -> None:
        """Carry messages until cancelled."""
        try:
            while True:
                await self._turn_once()
        finally:
            for task in self._apart:
                task.cancel()

    async def _turn_once(self) -> None:
        try:
            carried = await self._carry()
        except SQLAlchemyError:
            _log.exception("the relay could not read the outbox; it tries again")
            carried = 0
            await asyncio.sleep(self._poll_seconds)
        if not carried:
            await self._rest()

    async def _rest(self) -> None:
        """Wait for a reason to look: a commit, a leg that ended and made room, or the next poll."""
        if self._precedence.is_held_back:
            # Not with every commit: each request makes one.
            await asyncio.sleep(self._precedence.rest_seconds)
            return
        if len(self._engine.flights) >= self._room:
            await self._engine.flights.landed(self._poll_seconds)
            return
        await come_or_time_out(self._wake, self._poll_seconds)

    async def _carry(self) -> int:
        self._wake.clear()
        at_work = len(self._engine.flights)
        free = min(self._room - at_work, _CLAIM_MAX)
        # Shadows fill half of the places at most, so that an answer finds one.
        spare = min((self._room + 1) // 2 - at_work, _CLAIM_MAX)
        free = self._precedence.places(free)
        if self._precedence.is_held_back:
            spare = min(spare, free)
        if await self._lookout.standing() is not None:
            free = spare = 0  # Nothing begins; what is under way, and what follows from it, comes to its end.
        # Reading is cheap; claiming takes the writer's place on SQLite, so it is done only when there is something.
        if not await self._store.read_async(has_due, starts=free > 0, rehearsals=spare > 0):
            return 0
        self._turn += 1
        messages = await self._store.write_async(
            claim_fairly, worker=durable.worker_id(), free=free, turn=self._turn, spare=spare
        )
        self._precedence.began(sum(message.kind in (START, SHADOW) for message in messages))
        if messages:
            faultpoint("claimed")
            await self._carry_all(messages)
        return len(messages)

    async def _carry_all(self, messages: list[outbox.Message]) -> None:
        in_hand = self._engine.in_hand
        in_hand.update(message.id for message in messages)
        try:
            carried = await asyncio.gather(*(self._handle(message) for message in messages))
            if any(carried):
                await self._store.write_async(outbox.done, [message_id for message_id in carried if message_id])
        finally:
            # What is not put away by now is nobody's: the sweeps offer it again.
            in_hand.difference_update(message.id for message in messages if message.kind not in SLOW)

    async def _handle(self, message: outbox.Message) -> str | None:
        """Act on one message. Returns its id when it is done with."""
        if message.kind in SLOW:
            # It speaks to the outside, and no run waits for that.
            task = asyncio.create_task(self._handle_apart(message))
            self._apart.add(task)
            task.add_done_callback(self._apart.discard)
            return None
        return await self._act(message)

    async def _handle_apart(self, message: outbox.Message) -> None:
        try:
            done = await self._act(message)
            if done is not None:
                await self._store.write_async(outbox.done, [done])
        finally:
            self._engine.in_hand.discard(message.id)

    async def _act(self, message: outbox.Message) -> str | None:
        try:
            if message.kind == START:
                if message.payload["leg"] == 1 and (pause := await self._held(message)) is not None:
                    return pause
                await self._start(message.payload["run_id"], message.payload["leg"])
            elif message.kind == CANCEL:
                self._engine.flights.call_off(
                    message.payload["run_id"], Stop("cancelled", "cancelled", message.payload["reason"])
                )
            elif message.kind in HANDLERS:
                await HANDLERS[message.kind](self._engine.services, message)
            else:
                _log.warning("nobody handles outbox messages of the kind %s; it is put away", message.kind)
        except Exception as error:  # noqa: BLE001
            # The message is offered again; one that cannot be carried must not stop the others.
            _log.exception("outbox message %s (%s) failed", message.id, message.kind)
            pause = min(2.0**message.attempts, _BACKOFF_SECONDS_MAX)
            await self._store.write_async(
                outbox.release, message.id, error=str(error), due_at=clock.now() + timedelta(seconds=pause)
            )
            return None
        return message.id

    async def _held(self, message: outbox.Message) -> str | None:
        """Keep a run of a paused agent queued. Returns None when it may start, else what `_act` would."""
        pause = await self._store.read_async(held_by, message.payload["run_id"])
        if pause is None:
            return None
        if pause.until is None:
            # Whoever resumes the agent sends for it again.
            return message.id
        await self._store.write_async(outbox.release, message.id, error="its agent is paused", due_at=pause.until)
        return ""

    async def _start(self, run_id: str, leg: int) -> None:
        flights = self._engine.flights
        flights.expect(run_id)
        try:
            is_here = await durable.start(run_leg, workflow_id(run_id, leg), run_id, leg)
        except BaseException:
            flights.give_up(run_id)
            raise
        faultpoint("leg-enqueued")
        if not is_here:
            flights.give_up(run_id)
