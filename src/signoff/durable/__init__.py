"""The one door to the durable engine. Nothing else imports it.

A workflow is a coroutine whose steps are recorded: after a crash it runs again from its beginning, and recorded steps
answer from their record. So a workflow may hold no clock, no chance and no I/O outside its steps; every step that runs
beside others takes its number (`reserve_step`) before anything is awaited; what a step returns is small plain JSON.

This module adds what the engine does not have: a lease per process, so that the work of a dead process is taken over by
a living one, and a process that was only asleep finds out before it acts.
"""

from signoff.durable.door import (
    Reservation,
    forget_ended,
    launch,
    outcomes,
    reserve_step,
    shutdown,
    sleep,
    start,
    step,
    workflow,
)
from signoff.durable.lease import WorkerFacts
from signoff.durable.presence import is_alive, is_lease_fresh, may_act, until_may_act, worker_id, workers

__all__ = [
    "Reservation",
    "WorkerFacts",
    "forget_ended",
    "is_alive",
    "is_lease_fresh",
    "launch",
    "may_act",
    "outcomes",
    "reserve_step",
    "shutdown",
    "sleep",
    "start",
    "step",
    "until_may_act",
    "worker_id",
    "workers",
    "workflow",
]
