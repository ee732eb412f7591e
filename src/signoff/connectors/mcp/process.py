"""One server program: started in a group of its own, its complaints kept short, its end certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp.client.stdio import get_default_environment

from signoff.connectors import faults
from signoff.kit import clock

_CHUNK_BYTES = 65_536
_TAIL_BYTES = 4_096
# A program that complains without end must not get a core for it: past this much, reading slows to about 6 MB/s.
_FREE_COMPLAINT_BYTES = 1_048_576
_SLOW_READ_SECONDS = 0.01
_STDIN_GRACE_SECONDS = 1.0
_TERM_GRACE_SECONDS = 1.0
_KILL_GRACE_SECONDS = 2.0


class ServerProcess:
    """A running program with pipes. `tail` is the end of what it wrote to stderr."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._tail = bytearray()
        self._complaints = asyncio.get_running_loop().create_task(self._drain_stderr())

    @classmethod
    async def start(cls, command: str, args: list[str], env: Mapping[str, str], cwd: Path | None) -> ServerProcess:
        """Start the program with our minimal environment and `env`; nothing else of ours is inherited.

        Raises:
            ConnectorError: it cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                command,
                *args,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**get_default_environment(), **env},
                cwd=cwd,
                start_new_session=True,
                limit=_CHUNK_BYTES,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise faults.fault(
                faults.UNREACHABLE, f"The server program {faults.quoted(command)} could not be started: {reason}."
            ) from error
        return cls(process)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        return self._process.pid

    @property
    def tail(self) -> str:
        """The last line or two of what it complained about; empty when it did not."""
        lines = self._tail.decode("utf-8", "replace").strip().splitlines()
        return faults.quoted(" / ".join(lines[-2:]), 300)

    async def read(self) -> bytes:
        """Return the next bytes of stdout, at most 64 KB; empty at its end."""
        if self._process.stdout is None:
            return b""
        return await self._process.stdout.read(_CHUNK_BYTES)

    async def write(self, data: bytes) -> None:
        """Write to stdin, waiting while the program does not read.

        Raises:
            OSError: the program is gone.
        """
        if self._process.stdin is None or self._process.stdin.is_closing():
            raise BrokenPipeError("stdin is closed")
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def stop(self) -> int | None:
        """End the program and everything it started, asking first. Returns its exit code, or None if unkillable.

        Takes at most about four seconds; when cancelled it kills at once.
        """
        try:
            if self._process.stdin is not None:
                self._process.stdin.close()
            if not await self._has_ended(_STDIN_GRACE_SECONDS):
                self._signal(signal.SIGTERM)
                await self._has_ended(_TERM_GRACE_SECONDS)
        finally:
            # Also when the program itself is gone: what it started may not be.
            self._signal(signal.SIGKILL)
            self._complaints.cancel()
            try:
                await self._has_ended(_KILL_GRACE_SECONDS)
            finally:
                self._release_pipes()
        return self._process.returncode

    async def exit_code(self) -> int | None:
        """Return the exit code if the program ends within half a second, else None."""
        await self._has_ended(0.5)
        return self._process.returncode

    async def _has_ended(self, seconds: float) -> bool:
        # Not `wait()`: it also waits for the end of the pipes, which a grandchild may hold open for ever.
        deadline = clock.monotonic_seconds() + seconds
        while self._process.returncode is None and clock.monotonic_seconds() < deadline:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)
        return self._process.returncode is not None

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _release_pipes(self) -> None:
        # A grandchild that survived could hold a pipe open; asyncio offers no public way to close our end of it.
        transport: Any = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()

    async def _drain_stderr(self) -> None:
        seen = 0
        while self._process.stderr is not None:
            chunk = await self._process.stderr.read(_CHUNK_BYTES)
            if not chunk:
                return
            seen += len(chunk)
            self._tail += chunk
            del self._tail[:-_TAIL_BYTES]
            if seen > _FREE_COMPLAINT_BYTES:
                await asyncio.sleep(_SLOW_READ_SECONDS)
