"""Starts a crashed server again, and tells everybody when that keeps happening."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import deque

from sqlalchemy.exc import SQLAlchemyError

from signoff.cli.exits import OK, say
from signoff.kit import clock
from signoff.people import queries
from signoff.settings import Settings
from signoff.tables.session import Store
from signoff.watch.actions import raise_alert

_FAST_SECONDS = 300.0
_ALERT_AFTER = 3
_PAUSE_SECONDS_MAX = 30.0
# What `serve` ends with when starting again cannot help: settings, schema, usage.
_HOPELESS = frozenset((2, 12, 14))


def keep_serving(settings: Settings, *, with_worker: bool, workers: int = 0) -> int:
    """Serve in a child process and start it again after a crash; return the code of an orderly end."""
    crashes: deque[float] = deque(maxlen=50)
    stop = threading.Event()
    while not stop.is_set():
        started = clock.monotonic_seconds()
        child = subprocess.Popen(_command(settings, with_worker, workers))
        code = _wait(child, stop)
        if code == OK or stop.is_set():
            return OK
        if code in _HOPELESS and clock.monotonic_seconds() - started < 10:
            return code
        crashes.append(clock.monotonic_seconds())
        recent = [moment for moment in crashes if moment > crashes[-1] - _FAST_SECONDS]
        pause = min(0.5 * 2 ** (len(recent) - 1), _PAUSE_SECONDS_MAX)
        say(f"signoff: the server ended with {code}; it is started again in {pause:g} seconds.")
        if len(recent) >= _ALERT_AFTER:
            _alert(settings, len(recent), code)
        stop.wait(pause)
    return OK


def _command(settings: Settings, with_worker: bool, workers: int) -> list[str]:
    worker = "--worker" if with_worker else "--no-worker"
    place = ["--host", settings.host, "--port", str(settings.port), "--data", str(settings.data_dir)]
    return [sys.executable, "-m", "signoff.cli", "serve", worker, "--workers", str(workers), *place]


def _wait(child: subprocess.Popen[bytes], stop: threading.Event) -> int:
    """Wait for the child; pass on the wish to end."""

    def end(number: int, frame: object) -> None:
        stop.set()
        child.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _alert(settings: Settings, times: int, code: int) -> None:
    minutes = f"{_FAST_SECONDS / 60:.0f} minutes"
    text = f"The server crashed {times} times within {minutes} (last exit code {code}). See its log."
    store = Store.open(settings.store_url)
    try:
        with store.write() as session:
            for workspace in queries.all_workspaces(session):
                raise_alert(session, workspace.id, key="process_crashing", kind="process_crashing", text=text)
    except SQLAlchemyError as error:
        say(f"signoff: the alert could not be written ({type(error).__name__}).")
    finally:
        store.close()
