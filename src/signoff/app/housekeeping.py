"""What is thrown away when its time is over: sessions, sign-ins never finished, answers kept for repeated requests."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from signoff.api.once import KEPT, sweep_answers
from signoff.connections.secrets.uses import sweep_uses
from signoff.freezes.lookout import Lookout
from signoff.kit import chance, clock
from signoff.people.actions import sweep_sessions
from signoff.people.actions.attempts import sweep_attempts
from signoff.people.shared_counts import sweep_counts
from signoff.people.throttle import sweep_throttles
from signoff.record.retention import AT_ONCE, prune_audit, workspaces_with_audit_before
from signoff.releases.drift_alerts import raise_drift_alerts
from signoff.releases.drill_schedule import due_drills, hold_drill
from signoff.tables.session import Store
from signoff.watch.inbox_spike import watch_inbox
from signoff.watch.key_expiry import watch_expiring_keys
from signoff.watch.objectives.burning import watch_objectives
from signoff.watch.secret_expiry import forget_warnings, warn_of_expiry

log = logging.getLogger(__name__)

EVERY_SECONDS = 3_600
INBOX_SECONDS = 60
# A session that is over stays listed for a while, so that its person can see there was one.
_SESSION_KEPT = timedelta(days=7)
# Which run read which secret is in the audit for as long as that is kept; this is for the secret's own page.
_USES_KEPT = timedelta(days=180)


def tidy(session: Session) -> None:
    """Delete what nobody needs any more, and tell what ends soon."""
    moment = clock.now()
    sweep_answers(session, before=moment - KEPT)
    sweep_sessions(session, before=moment - _SESSION_KEPT)
    sweep_attempts(session, before=moment)
    sweep_uses(session, before=moment - _USES_KEPT)
    sweep_throttles(session)
    sweep_counts(session)


def watch_dates(session: Session) -> None:
    """Say what will run out, and take back what no longer will."""
    warn_of_expiry(session)
    forget_warnings(session)
    watch_expiring_keys(session)


async def let_audit_go(store: Store, *, before: datetime) -> int:
    """Let go of every audit row older than `before`, some thousands in each transaction; return how many."""
    gone = 0
    for workspace_id in await store.read_async(workspaces_with_audit_before, before):
        count = AT_ONCE
        while count == AT_ONCE:
            count = await store.write_async(prune_audit, workspace_id, before=before)
            gone += count
    return gone


async def hold_drills(store: Store) -> int:
    """Hold the rehearsals of going back that are due, each in a transaction of its own; return how many were held."""
    moment = clock.now()
    held = 0
    for due in await store.read_async(due_drills, moment):
        held += await store.write_async(hold_drill, due, moment) is not None
    return held


async def keep_tidy(store: Store, *, audit_days: int | None) -> None:
    """Tidy now and every hour, until cancelled. `audit_days` None keeps the audit for ever."""
    lookout = Lookout(store)
    while True:
        try:
            if await lookout.standing() is None:
                await store.write_async(tidy)
                await store.write_async(watch_dates)
                await hold_drills(store)
                if audit_days is not None:
                    await let_audit_go(store, before=clock.now() - timedelta(days=audit_days))
        except SQLAlchemyError as error:
            log.warning("tidying failed; it is tried again in an hour", extra={"error": type(error).__name__})
        await asyncio.sleep(EVERY_SECONDS)


async def keep_watch(store: Store) -> None:
    """Look every minute whether agents ask people more than usual, whether budgets of errors burn, and whether what
    serves drifted, until cancelled."""
    lookout, after = Lookout(store), ""
    while True:
        try:
            if await lookout.standing() is None:
                await store.write_async(watch_inbox)
                await store.write_async(watch_objectives)
                after = await store.write_async(raise_drift_alerts, after=after)
        except SQLAlchemyError as error:
            log.warning("watching failed; it is tried again", extra={"error": type(error).__name__})
        await asyncio.sleep(chance.jittered(INBOX_SECONDS))
