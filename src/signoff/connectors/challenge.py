"""What a server says when it refuses a request: the challenge of `WWW-Authenticate` (RFC 6750, 9470, 9728). Pure."""

from __future__ import annotations

import re

from signoff.connectors import faults
from signoff.kit.errors import ConnectorError

_BEARER = re.compile(r"(?:^|[,\s])bearer(?:\s+|$)", re.IGNORECASE)
_PARAMETER = re.compile(r'([A-Za-z_]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.){0,2000})"|([^\s,"]{1,2000}))')
_ESCAPED = re.compile(r"\\(.)")


def bearer_parameters(header: str) -> dict[str, str]:
    """Return the parameters of the Bearer challenge in a header, by lower-case name; none when there is no such."""
    found = _BEARER.search(header[:4_000])
    if found is None:
        return {}
    rest = header[found.end() : 4_000]
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(rest):
        quoted, bare = match.group(2), match.group(3)
        value = _ESCAPED.sub(r"\1", quoted) if quoted is not None else bare
        parameters.setdefault(match.group(1).lower(), value)
    return parameters


def is_about_scope(header: str) -> bool:
    """Return whether a refusal says that the login is good but reaches not far enough."""
    return bearer_parameters(header).get("error") == "insufficient_scope"


def refused_login(status: int, header: str) -> ConnectorError:
    """Return the fault for an answer of 401 or 403: the login is not taken, lacks a scope, or a second factor."""
    said = bearer_parameters(header)
    error = said.get("error", "")
    if error == "insufficient_user_authentication":
        return faults.fault(
            faults.SECOND_FACTOR, f"The server wants a stronger sign-in, with a second factor (HTTP {status})."
        )
    if status == 403 or error == "insufficient_scope":
        needed = f" It needs the scope {faults.quoted(said['scope'], 200)}." if said.get("scope") else ""
        return faults.fault(
            faults.WRONG_SCOPE, f"The server knows the login, but does not allow it this (HTTP {status}).{needed}"
        )
    about = said.get("error_description")
    words = f" It said: “{faults.quoted(about, 160).rstrip('.')}”." if about else ""
    return faults.fault(faults.SIGN_IN, f"The server does not accept the login (HTTP {status}).{words}")
