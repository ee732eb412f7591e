"""The one door to the durable engine. Nothing else imports it.

A workflow is a coroutine that runs to its end, whatever happens to the process it runs in: after a crash it runs again
from its beginning, in this process or another. The engine records that it began and that it ended. What it did between
is recorded by who did it, in the transaction in which it was done, and looked up there by its key.

This module adds what the engine does not have: a lease per process, so that the work of a dead process is taken over by
a living one, and a process that was only asleep finds out before it acts.
"""

from signoff.durable.door import (
    forget_ended,
    launch,
    outcomes,
    shutdown,
    start,
    workflow,
)
from signoff.durable.lease import WorkerFacts
from signoff.durable.presence import is_alive, is_lease_fresh, may_act, until_may_act, worker_id, workers

__all__ = [
    "WorkerFacts",
    "forget_ended",
    "is_alive",
    "is_lease_fresh",
    "launch",
    "may_act",
    "outcomes",
    "shutdown",
    "start",
    "until_may_act",
    "worker_id",
    "workers",
    "workflow",
]
