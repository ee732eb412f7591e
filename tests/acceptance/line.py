"""The line between the product and its database, which a check can cut and mend."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager


class Line:
    """Passes bytes on, both ways. Cut, it drops what is open and takes nothing new."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._is_cut = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._serve, name="line", daemon=True).start()

    def cut(self) -> None:
        """The database cannot be reached from now on."""
        self._is_cut.set()
        with self._lock:
            for one in self._open:
                _close(one)
            self._open.clear()

    def mend(self) -> None:
        """It can be reached again."""
        self._is_cut.clear()

    def close(self) -> None:
        self.cut()
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                here, _ = self._door.accept()
            except OSError:
                return
            if self._is_cut.is_set():
                _close(here)
                continue
            there = socket.create_connection(self._target)
            with self._lock:
                self._open |= {here, there}
            for source, target in ((here, there), (there, here)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        with self._lock:
            self._open -= {source, target}
        _close(source)
        _close(target)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def line_to(host: str, port: int) -> Generator[Line]:
    """A line to a database, while the block runs."""
    line = Line(host, port)
    try:
        yield line
    finally:
        line.close()
