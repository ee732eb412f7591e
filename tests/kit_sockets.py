"""No test speaks to the world: connections outside loopback, and questions to a resolver, are refused."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


class NetworkClosed(AssertionError):
    """A test tried to leave this machine.

    Not an OSError: code that expects the network to fail must not swallow it.
    """


def is_loopback(host: object) -> bool:
    """Whether `host` is a loopback address, or the one name that needs no resolver."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if text.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def is_number(host: object) -> bool:
    """Whether `host` is written as an address, so that nobody has to be asked about it."""
    try:
        ipaddress.ip_address(str(host).split("%")[0])
    except ValueError:
        return False
    return True


def _refuse_unless_local(address: Any) -> None:
    # A string or bytes is the path of a Unix socket.
    if isinstance(address, tuple) and not is_loopback(address[0]):
        raise NetworkClosed(f"A test tried to connect to {address[0]}. Only loopback is open in tests.")


@contextmanager
def closed_network() -> Generator[None]:
    """Refuse connections and look-ups beyond loopback while the block runs."""
    connect, connect_ex, sendto, getaddrinfo = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.socket.sendto,
        socket.getaddrinfo,
    )

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_unless_local(address)
        return connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_unless_local(address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        _refuse_unless_local(rest[-1])
        return sendto(self, data, *rest)

    def guarded_getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        if host is not None and not is_loopback(host) and not is_number(host):
            raise NetworkClosed(f"A test tried to look up {host}. Only loopback is open in tests.")
        return getaddrinfo(host, *rest, **options)

    patches: list[tuple[Any, str, Any, Any]] = [
        (socket.socket, "connect", guarded_connect, connect),
        (socket.socket, "connect_ex", guarded_connect_ex, connect_ex),
        (socket.socket, "sendto", guarded_sendto, sendto),
        (socket, "getaddrinfo", guarded_getaddrinfo, getaddrinfo),
    ]
    for owner, name, guarded, _ in patches:
        setattr(owner, name, guarded)
    try:
        yield
    finally:
        for owner, name, _, original in patches:
            setattr(owner, name, original)
