"""The memory of one idle process that serves and works: fresh, and after every main page was opened once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from benchmarks.product import report, told
from signoff.tables.migrate import migrate

_PAGES = ("/v1/health/ready", "/sign-in", "/v1/openapi.json")


def main() -> None:
    folder = Path(told()["folder"])
    migrate(f"sqlite:///{folder / 'signoff.sqlite'}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "signoff.cli", "serve", "--port", str(port), "--data", str(folder)],
        env={**os.environ, "SIGNOFF_PORT": str(port)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _until_up(server, port)
        time.sleep(3)
        fresh = resident(server.pid)
        for page in _PAGES:
            httpx2.get(f"http://127.0.0.1:{port}{page}", follow_redirects=True, timeout=30)
        time.sleep(2)
        used = cpu_seconds(server.pid)
        time.sleep(10)
        idle = (cpu_seconds(server.pid) - used) / 10 * 100
        report({"fresh_mb": fresh, "opened_mb": resident(server.pid), "idle_cpu_percent": idle})
    finally:
        server.terminate()
        server.wait(20)


def _until_up(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        try:
            httpx2.get(f"http://127.0.0.1:{port}/v1/health/live", timeout=5)
            return
        except httpx2.TransportError:
            if server.poll() is not None:
                raise SystemExit("the server did not start") from None
            time.sleep(0.1)


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB (10^6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
