"""All outside stores of one process: each reference is read at its use, and remembered for a short while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from signoff.connectors.vaults import environment
from signoff.connectors.vaults.aws import AwsStore
from signoff.connectors.vaults.faults import BAD_VALUE, NOT_SET_UP, UNREACHABLE, store_fault
from signoff.connectors.vaults.hashicorp import HashicorpStore
from signoff.connectors.vaults.reference import Reference
from signoff.kit import clock
from signoff.kit.errors import ConnectorError
from signoff.kit.text import storable
from signoff.settings import Settings

# As for values entered here: shorter ones could not be masked.
VALUE_CHARS_MIN = 6
VALUE_CHARS_MAX = 65_536
_REMEMBERED_MAX = 1_000
_THREADS = 8
# A client ends its calls itself; this is for one that does not.
_GRACE_SECONDS = 2.0

Read = Callable[[Reference], str]


class SecretStores:
    """Reads references. A value is remembered for `secret_cache_seconds`, in memory only; a failure is not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads: ThreadPoolExecutor | None = None
        self._known: dict[Reference, tuple[str, float]] = {}
        self._under_way: dict[Reference, asyncio.Task[str]] = {}
        self._readers: dict[str, Read] = {"env": environment.read}
        if settings.hashicorp_vault is not None:
            self._readers["vault"] = HashicorpStore(settings.hashicorp_vault, settings.secret_fetch_seconds).read
        if settings.aws_secrets is not None:
            self._readers["aws"] = AwsStore(settings.aws_secrets, settings.secret_fetch_seconds).read

    async def fetch_all(self, references: Mapping[str, Reference]) -> dict[str, str]:
        """Return name → value.

        Raises:
            ConnectorError: one of them could not be read; the first that failed is told.
        """
        if not references:
            return {}
        values = await asyncio.gather(*(self.fetch(reference) for reference in references.values()))
        return dict(zip(references, values, strict=True))

    async def fetch(self, reference: Reference) -> str:
        """Return the value behind one reference; those who ask at the same time share one reading.

        Raises:
            ConnectorError: it could not be read, or is nothing a secret can be.
        """
        known = self._known.get(reference)
        if known is not None and clock.monotonic_seconds() < known[1]:
            return known[0]
        task = self._under_way.get(reference)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._read(reference))
            self._under_way[reference] = task
            task.add_done_callback(lambda done: self._ended(reference, done))
        # One asker that is called off must not call off the reading of the others.
        return await asyncio.shield(task)

    def _ended(self, reference: Reference, task: asyncio.Task[str]) -> None:
        self._under_way.pop(reference, None)
        if not task.cancelled():
            task.exception()  # Looked at, so that a failure nobody waits for any more is not reported as lost.

    async def _read(self, reference: Reference) -> str:
        read = self._readers.get(reference.kind)
        if read is None:
            what = {"vault": "hashicorp_vault", "aws": "aws_secrets"}.get(reference.kind, reference.kind)
            raise store_fault(NOT_SET_UP, reference, f"the operator's settings have no {what}.")
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="secret-stores")
        try:
            async with asyncio.timeout(self._settings.secret_fetch_seconds + _GRACE_SECONDS):
                value = await asyncio.get_running_loop().run_in_executor(self._threads, read, reference)
        except TimeoutError:
            raise store_fault(UNREACHABLE, reference, "it took too long.") from None
        except ConnectorError:
            raise
        except Exception as error:
            raise store_fault(UNREACHABLE, reference, f"its client failed ({type(error).__name__}).") from error
        value = value.rstrip("\r\n")
        if not VALUE_CHARS_MIN <= len(value) <= VALUE_CHARS_MAX or storable(value) != value:
            limits = f"{VALUE_CHARS_MIN} to {VALUE_CHARS_MAX:,}"
            raise store_fault(BAD_VALUE, reference, f"it is not a text of {limits} characters, so it is not used.")
        self._remember(reference, value)
        return value

    def _remember(self, reference: Reference, value: str) -> None:
        if self._settings.secret_cache_seconds <= 0:
            return
        if len(self._known) >= _REMEMBERED_MAX:
            self._known.clear()
        self._known[reference] = (value, clock.monotonic_seconds() + self._settings.secret_cache_seconds)

    async def close(self) -> None:
        """Forget every value. A reading that is under way ends by itself."""
        for task in list(self._under_way.values()):
            task.cancel()
        self._known.clear()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
