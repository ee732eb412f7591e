"""`signoff serve --workers N`: workers beside the serving process, each a process of its own, looked after and ended
with it.

One Python process computes on one core. Runs that are carried out elsewhere do not make requests wait.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from signoff.cli.exits import say
from signoff.kit import clock
from signoff.settings import Settings

_PAUSE_SECONDS_MAX = 30.0
# A worker that lived this long did not end for what ended it the last time.
_GOOD_SECONDS = 60.0
# What a worker is given beyond its own time to come to an end.
_END_SECONDS = 5.0


class Crew:
    """So many workers, started again when one ends, until the crew does."""

    def __init__(self, settings: Settings, count: int) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._threads = [threading.Thread(target=self._keep, daemon=True) for _ in range(count)]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let every worker come to an orderly end, and wait for it."""
        with self._lock:
            self._stop.set()
            for child in self._children:
                child.terminate()
        for thread in self._threads:
            thread.join(self._settings.shutdown_grace_seconds + _END_SECONDS)
        with self._lock:
            for child in self._children:
                child.kill()

    def _keep(self) -> None:
        pause = 0.5
        while not self._stop.is_set():
            began = clock.monotonic_seconds()
            child = self._begin()
            if child is None:
                return
            code = child.wait()
            if child.stdin is not None:
                child.stdin.close()
            with self._lock:
                self._children.discard(child)
            if self._stop.is_set():
                return
            pause = 0.5 if clock.monotonic_seconds() - began > _GOOD_SECONDS else min(pause * 2, _PAUSE_SECONDS_MAX)
            say(f"signoff: a worker ended with {code}; it is started again in {pause:g} seconds.")
            self._stop.wait(pause)

    def _begin(self) -> subprocess.Popen[bytes] | None:
        here = self._settings
        # Where people reach the installation stands in what a worker sends.
        place = {"SIGNOFF_HOST": here.host, "SIGNOFF_PORT": str(here.port)}
        with self._lock:
            if self._stop.is_set():
                return None
            # Nothing is written to its input. It ends with us, however we end, and the worker with it.
            child = subprocess.Popen(_command(here), stdin=subprocess.PIPE, env={**os.environ, **place})
            self._children.add(child)
            return child


def _command(settings: Settings) -> list[str]:
    return [sys.executable, "-m", "signoff.cli", "worker", "--data", str(settings.data_dir), "--until-input-ends"]
