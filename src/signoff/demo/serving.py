"""The product's server inside the demo's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from signoff.api.house import House
from signoff.app import build_app
from signoff.connectors.listening import port_in_use
from signoff.gateways.services import Services
from signoff.settings import Settings

_START_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Serving:
    """A server at work. `task` ends with it; `address` is where a browser on this machine finds it.

    `services` are the server's own: one process has one writer to an SQLite file.
    """

    task: asyncio.Task[None]
    address: str
    services: Services


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncGenerator[Serving]:
    """Serve the product with its worker, and yield once it answers.

    Raises:
        NotNow: it did not start, most likely because the port is in use.
    """
    app = build_app(settings, with_worker=True)
    server = _Server(app, settings)
    task = asyncio.create_task(server.serve())
    try:
        await server.until_started(task)
        house: House = app.state.house
        yield Serving(task, server.address(settings), house.services)
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task


class _Server(uvicorn.Server):
    """Uvicorn inside our loop, which leaves Ctrl-C to the demo."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        config = uvicorn.Config(
            app, host=settings.host, port=settings.port, log_config=None, access_log=False, server_header=False
        )
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # It would end the event loop under everybody's feet.
            raise port_in_use(self.config.host, self.config.port, "demo") from None

    def address(self, settings: Settings) -> str:
        """Return where it answers: the operator's public address, or this machine and the port it really got."""
        if settings.public_url:
            return settings.public_url.rstrip("/")
        port = next((door.getsockname()[1] for one in self.servers for door in one.sockets), settings.port)
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104  Only compared.
        return f"http://{host}:{port}"

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def until_started(self, task: asyncio.Task[None]) -> None:
        async with asyncio.timeout(_START_SECONDS_MAX):
            while not self.started:
                if task.done():
                    await task
                    raise port_in_use(self.config.host, self.config.port, "demo")
                await asyncio.sleep(0.05)
