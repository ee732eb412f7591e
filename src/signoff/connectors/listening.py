"""Whether the server can listen where it shall, asked before anything else is begun."""

from __future__ import annotations

import errno
import socket

from signoff.kit.errors import Malformed, NotNow


def check_port(host: str, port: int, *, command: str) -> None:
    """Refuse to start where nothing can listen. Whoever takes the port after this moment is met by the server itself.

    Args:
        command: the name of the command, which is also the one of its target in the Makefile.

    Raises:
        NotNow: the port is in use.
        Malformed: there is no such address here, or this account may not listen on it.
    """
    if port == 0:
        return
    try:
        places = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(places):
            _bind(family, kind, protocol, address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise port_in_use(host, port, command) from None
        raise Malformed(
            f"Nothing can listen on {host}, port {port}: {error.strerror or error}. Give another --host or --port."
        ) from None


def port_in_use(host: str, port: int, command: str) -> NotNow:
    """Return the refusal for a port that another program has."""
    return NotNow(
        f"Port {port} of {host} is in use. Stop what uses it, or give another one: "
        f'signoff {command} --port {port + 1 if port < 65_535 else 8_322}, or make {command} ARGS="--port N".',
        code="port_in_use",
    )


def _bind(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> None:
    try:
        door = socket.socket(family, kind, protocol)
    except OSError:
        return  # A kind of address this machine does not speak; the server leaves it out too.
    with door:
        # As the server does: a port left a moment ago may be taken at once.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        door.bind(address)
