"""What makes sure that no run stays where it is: swept by every worker, harmless when many do, because each change is
conditional.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from signoff import durable
from signoff.approvals.actions import withdraw_for_run
from signoff.engine.due import look_at_due, withdraw_forgotten
from signoff.engine.evaluating import look_at_datasets
from signoff.engine.finishing import settle_late
from signoff.engine.following import follow_agents
from signoff.engine.releasing import look_at_releases
from signoff.engine.summing import sum_hours
from signoff.engine.workflows import Engine, workflow_id
from signoff.freezes.lookout import Lookout
from signoff.gateways.tool.caps import forget_counts
from signoff.kit import chance, clock
from signoff.record import outbox
from signoff.record.actor import SYSTEM
from signoff.runs import actions, stuck
from signoff.runs.alarms import RAN_TOO_LONG, ran_too_long
from signoff.runs.states import is_rehearsal
from signoff.runs.stuck import LegFacts
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Run
from signoff.watch import told
from signoff.watch.actions import raise_alert
from signoff.watch.rollup import Rolling
from signoff.webhooks import deliveries

_log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
# How long a leg may look lost before it is settled: longer than any takeover.
_LOST_AFTER_SECONDS = 60.0
_TOO_LONG_SECONDS_MIN = 60.0
_TOO_LONG_FACTOR = 10
_GAP_SECONDS = 30.0
# How long after a claim its relay must know of it.
_UNCONFIRMED_SECONDS = 30.0
_LATE_SECONDS = 60.0
_KEEP_MESSAGES_SECONDS = 86_400.0
_KEEP_RECORDS_SECONDS = 900.0
_FORGOTTEN_EVERY_SECONDS = 120.0
_UNDER_WAY = ("PENDING", "ENQUEUED", "DELAYED")


class Sweeps:
    """The sweeping of one process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.services.store
        self._lookout = Lookout(self._store)
        self._after = ""
        self._after_waiting = ""
        self._rolling = Rolling()
        # While nobody swept, perhaps nobody worked: an outage must not count as a run's own slowness.
        self.watching_since = clock.now()
        self._swept_at = self.watching_since
        self._forgotten_at: datetime | None = None

    async def run(self) -> None:
        """Sweep until cancelled: at once, because a start often follows a crash, then every few seconds."""
        while True:
            try:
                await self.sweep()
            except Exception:  # noqa: BLE001  # A sweep that ends for good would leave runs where they are.
                _log.exception("a sweep failed; it tries again")
            await asyncio.sleep(chance.jittered(EVERY_SECONDS))

    async def sweep(self) -> None:
        """Sweep once."""
        self._note_sleep()
        living = [worker.id for worker in await asyncio.to_thread(durable.workers) if worker.state == "live"]
        await self._store.write_async(outbox.release_claims_of_the_dead, living)
        await self._store.write_async(
            outbox.release_own_claims,
            worker=durable.worker_id(),
            in_hand=list(self._engine.in_hand),
            before=clock.now() - timedelta(seconds=_UNCONFIRMED_SECONDS),
        )
        if await self._lookout.standing() is None:
            await self._carry_on()
        await self._settle_lost()
        await self._restart_forgotten()
        await self._end_too_long()
        await sum_hours(self._store, self._rolling)
        await self._forget()

    async def _carry_on(self) -> None:
        """Resume runs, and look at requests, releases, first weeks and datasets, whose time has come."""
        # Maintenance puts it off: whoever calls asks.
        for run_id, leg, waiting_for in await self._store.read_async(stuck.due_to_resume):
            await self._store.write_async(actions.resume_run, run_id, leg=leg, waiting_for=waiting_for)
        await look_at_due(self._store)
        await self._withdraw_forgotten()
        await look_at_releases(self._store)
        await follow_agents(self._store)
        await look_at_datasets(self._store)

    def _note_sleep(self) -> None:
        """Begin to watch anew after a gap: this process, or the whole machine, was asleep, and the runs with it."""
        moment = clock.now()
        if moment - self._swept_at > timedelta(seconds=_GAP_SECONDS):
            self.watching_since = moment
        self._swept_at = moment

    async def _withdraw_forgotten(self) -> None:
        # It looks at every request that waits, so seldom.
        moment = clock.now()
        if self._forgotten_at is not None and moment - self._forgotten_at < timedelta(seconds=_FORGOTTEN_EVERY_SECONDS):
            return
        self._forgotten_at = moment
        await withdraw_forgotten(self._store)

    async def _settle_lost(self) -> None:
        legs = await self._store.read_async(
            stuck.legs_at_work, longer_than_seconds=_LOST_AFTER_SECONDS, after=self._after
        )
        self._after = legs[-1].run_id if len(legs) >= 200 else ""
        states = await durable.outcomes([workflow_id(leg.run_id, leg.leg) for leg in legs])
        for leg in legs:
            reason = _why_lost(leg, states.get(workflow_id(leg.run_id, leg.leg)))
            if reason is not None:
                await self._store.write_async(_settle, leg.run_id, leg.leg, code=reason[0], reason=reason[1])

    async def _restart_forgotten(self) -> None:
        waiting = await self._store.read_async(
            stuck.waiting_for_worker, older_than_seconds=_LOST_AFTER_SECONDS, after=self._after_waiting
        )
        self._after_waiting = waiting[-1][1] if len(waiting) >= 200 else ""
        if not waiting:
            return
        run_ids = [run_id for _, run_id, _ in waiting]
        queued = await self._store.read_async(stuck.spoken_of, run_ids, start_kind=actions.START)
        runs = [run for run in waiting if run[1] not in queued]
        states = await durable.outcomes([workflow_id(run_id, leg) for _, run_id, leg in runs])
        for workspace_id, run_id, leg in runs:
            state = states.get(workflow_id(run_id, leg))
            if state is None:
                await self._store.write_async(_start_again, workspace_id, run_id, leg)
            elif state not in _UNDER_WAY:
                await self._store.write_async(_settle_unbegun, run_id, leg)

    async def _end_too_long(self) -> None:
        legs = await self._store.read_async(stuck.legs_at_work, longer_than_seconds=_TOO_LONG_SECONDS_MIN)
        usual: dict[str, float | None] = {}
        for leg in legs:
            if leg.agent_id not in usual:
                usual[leg.agent_id] = await self._store.read_async(stuck.usual_seconds, leg.agent_id)
            median = usual[leg.agent_id]
            if median is None:
                continue
            limit = max(median * _TOO_LONG_FACTOR, _TOO_LONG_SECONDS_MIN)
            if clock.now() - max(leg.started_at, self.watching_since) > timedelta(seconds=limit):
                reason = f"The run took more than ten times as long as this agent's runs usually take ({median:.0f} s)."
                await self._store.write_async(_call_off, leg.run_id, reason)

    async def _forget(self) -> None:
        await self._store.write_async(_forget_messages)
        await self._store.write_async(forget_counts)
        await self._store.write_async(deliveries.forget)
        await self._store.write_async(told.forget)
        await durable.forget_ended(older_than_seconds=_KEEP_RECORDS_SECONDS, limit=500)


def _why_lost(leg: LegFacts, state: str | None) -> tuple[str, str] | None:
    """Return code and reason when a leg will never end by itself."""
    if state is None:
        return "engine_record_lost", "The engine's record of this run is gone, so it cannot go on. Start it again."
    if state == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return "engine_fault", "The process working on this run ended again and again, so it was given up."
    if state not in _UNDER_WAY:
        return "engine_fault", "The engine ended its work on this run without a result."
    if leg.deadline_at is not None and clock.now() > leg.deadline_at + timedelta(seconds=_LATE_SECONDS):
        return "deadline_passed", "The run has used the time it may take (limits.wall_seconds)."
    return None


def _settle(session: Session, run_id: str, leg: int, *, code: str, reason: str) -> None:
    actions.end_leg(session, run_id, leg, state="stopped", worker=None)
    if actions.fail_run(session, run_id, leg, by=SYSTEM, code=code, reason=reason):
        # As at the end of every run: nobody will come back to settle what its calls held.
        settle_late(session, run_id)
        withdraw_for_run(session, run_id, reason="its run failed")


def _call_off(session: Session, run_id: str, reason: str) -> None:
    if stuck.call_off(session, run_id, code=RAN_TOO_LONG, reason=reason):
        run = session.get_one(Run, run_id)
        if not is_rehearsal(run.mode):
            raise_alert(session, run.workspace_id, **ran_too_long(run_id, reason=reason, agent_id=run.agent_id))


def _settle_unbegun(session: Session, run_id: str, leg: int) -> None:
    # Asked again: it may have begun since, and even ended, or wait for a person now.
    if stuck.waits_for_worker(session, run_id, leg):
        _settle(session, run_id, leg, code="engine_fault", reason="The engine could not begin this run.")


def _start_again(session: Session, workspace_id: str, run_id: str, leg: int) -> None:
    outbox.send(session, workspace_id=workspace_id, kind=actions.START, payload={"run_id": run_id, "leg": leg})


def _forget_messages(session: Session) -> None:
    done = stuck.finished_messages(session, older_than_seconds=_KEEP_MESSAGES_SECONDS)
    if done:
        session.execute(delete(OutboxMessage).where(OutboxMessage.id.in_(done)))
