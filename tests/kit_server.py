"""An ASGI application on a real loopback port, for browsers, command lines and clients in other processes."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import uvicorn


class _Server(uvicorn.Server):
    """Says when it listens, so that nobody has to poll."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()
        self.address = ""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.servers:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self.address = f"http://{host}:{port}"
        self.listening.set()


@contextmanager
def serving(app: Any) -> Generator[str]:
    """Serve `app` in a thread on a free loopback port while the block runs; gives its address without a slash."""
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=_run, args=(server,), name="test-server")
    thread.start()
    try:
        server.listening.wait()
        if not server.address:
            raise RuntimeError("The application did not start; its log says why.")
        yield server.address
    finally:
        server.should_exit = True
        thread.join()


def _run(server: _Server) -> None:
    try:
        server.run()
    finally:
        server.listening.set()  # Also when it never started: the waiting test must not wait for ever.
