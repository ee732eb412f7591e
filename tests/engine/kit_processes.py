"""Worker processes for tests: forked from one that has everything imported, so that each starts in an instant."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.engine import driver

_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload(["tests.engine.driver"])
_SECONDS_MAX = 90


@dataclass
class Processes:
    """The workers of one test, all on one database and one ledger."""

    data_dir: Path
    database_url: str
    ledger: Path
    started: list[ForkServerProcess] = field(default_factory=list[ForkServerProcess])

    def start(
        self,
        *,
        fault: str = "",
        until: str = "done",
        lease_seconds: float = 4.0,
        version: str = "",
        grace_seconds: float = 0.0,
    ) -> ForkServerProcess:
        """Start a worker; `fault` is "point:n", `version` the engine's application version instead of today's."""
        given = (str(self.data_dir), self.database_url, str(self.ledger), fault, until, lease_seconds)
        process = _SPAWN.Process(target=driver.work, args=(*given, version, grace_seconds), daemon=True)
        process.start()
        self.started.append(process)
        return process

    def answer(self, workspace_id: str, approval_id: str, *, fault: str = "") -> ForkServerProcess:
        """Start a process in which Bob approves a request."""
        process = _SPAWN.Process(
            target=driver.answer, args=(self.database_url, workspace_id, approval_id, fault), daemon=True
        )
        process.start()
        self.started.append(process)
        return process

    def ended(self, process: ForkServerProcess) -> int | None:
        """Return how a process ended; the limit is for a test that would hang."""
        process.join(_SECONDS_MAX)
        assert not process.is_alive(), "the worker did not end"
        return process.exitcode

    def end_all(self) -> None:
        for process in self.started:
            if process.is_alive():
                process.kill()
            process.join()
            process.close()


def until(is_so: Callable[[], bool], what: str) -> None:
    """Return once `is_so`; the limit is for a test that would hang."""
    stop = time.monotonic() + _SECONDS_MAX
    while not is_so():
        assert time.monotonic() < stop, f"waited in vain for {what}"
        time.sleep(0.02)
