"""Which mail server: read from one address, and refused before it is used when it cannot be one."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Literal
from urllib.parse import unquote, urlsplit

from signoff.connectors import faults
from signoff.kit.errors import ConnectorError

Encryption = Literal["none", "starttls", "tls"]
_SCHEMES: dict[str, tuple[Encryption, int]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server and the login for it. `timeout_seconds` holds for each answer of the server."""

    host: str
    port: int
    encryption: Encryption
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_seconds: float = 20.0

    @property
    def is_local(self) -> bool:
        """Return whether it is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read_server(url: str, sender: str | None, *, timeout_seconds: float = 20.0) -> MailServer:
    """Return the server an address of the settings names. The address itself is never repeated: it holds a password.

    Raises:
        ConnectorError: it is no address of a mail server, or there is no sender to write from.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise _bad("SIGNOFF_SMTP_URL cannot be read. Write it as smtps://user:password@host:465.") from None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise _bad("SIGNOFF_SMTP_URL begins with smtps://, smtp+starttls:// or smtp://, and names a host.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _bad("SIGNOFF_SMTP_URL ends after the port; write / ? # and @ of a password as %2F %3F %23 %40.")
    encryption, usual_port = _SCHEMES[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    server = MailServer(parts.hostname, port or usual_port, encryption, clean_sender(sender), user, password)
    if encryption == "none" and user and not server.is_local:
        raise _bad("SIGNOFF_SMTP_URL would send a password without encryption. Use smtps:// or smtp+starttls://.")
    return MailServer(
        server.host, server.port, encryption, server.sender, user, password, timeout_seconds=timeout_seconds
    )


def clean_sender(text: str | None) -> str:
    """Return the address mails come from, `Name <address>` or an address alone."""
    given = (text or "").strip()
    address = parseaddr(given)[1]
    if not given.isprintable() or "@" not in address[1:-1] or len(given) > 300:
        raise _bad("SIGNOFF_MAIL_FROM must be an address, such as Signoff <signoff@example.com>.")
    return given


def _bad(detail: str) -> ConnectorError:
    return faults.fault(faults.BAD_CONFIG, detail)
