"""Where a process lives, so that another one on the same machine can tell at once that it has died."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path


def place() -> str:
    """Return the name of this machine's boot and process space; processes are comparable only within one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return f"{socket.gethostname()}?"
    return f"{socket.gethostname()}/{boot}/{space}"


def birth(pid: int) -> str:
    """Return when the process began, in the kernel's ticks; empty when there is no such process or no way to know."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The program's name, in parentheses, may hold spaces; the fields after it do not. A zombie has died already.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]


def is_gone(where: str, pid: int, born: str) -> bool:
    """Return whether the process is certainly gone. False when it lives or when this machine cannot tell."""
    return bool(born) and where == place() and birth(pid) != born


def awake_seconds() -> float:
    """Return seconds that also count while this machine sleeps, so that a long sleep is not taken for an instant."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def new_worker_id() -> str:
    """Return an id no other boot of any process has had."""
    return f"{socket.gethostname()[:24]}-{os.getpid()}-{os.urandom(5).hex()}"
