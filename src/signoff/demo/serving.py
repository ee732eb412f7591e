"""The product's server inside the demo's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator

import uvicorn
from fastapi import FastAPI

from signoff.app import build_app
from signoff.kit.errors import Malformed
from signoff.settings import Settings

_START_SECONDS_MAX = 60.0


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncGenerator[asyncio.Task[None]]:
    """Serve the product with its worker, and yield the task it runs in once it answers.

    Raises:
        Malformed: it did not start, most likely because the port is in use.
    """
    server = _Server(build_app(settings, with_worker=True), settings)
    task = asyncio.create_task(server.serve())
    try:
        await server.until_started(task)
        yield task
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task


class _Server(uvicorn.Server):
    """Uvicorn inside our loop, which leaves Ctrl-C to the demo."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(uvicorn.Config(app, host=settings.host, port=settings.port, log_level="warning"))

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def until_started(self, task: asyncio.Task[None]) -> None:
        async with asyncio.timeout(_START_SECONDS_MAX):
            while not self.started:
                if task.done():
                    await task
                    raise Malformed("The server stopped before it started. Is the port in use? Give another --port.")
                await asyncio.sleep(0.05)
