"""What the configuration of each kind of connection may hold, and where its secrets would go."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from signoff.connections.placeholders import has_any, resolved
from signoff.connectors import net
from signoff.connectors.folders import is_below_a_root
from signoff.connectors.openapi.servers import base_url_of
from signoff.kit.errors import ConnectorError, Malformed
from signoff.settings import Settings

DOCUMENT_CHARS_MAX = 1_000_000
CALL_SECONDS_MAX = 600
_HEADERS_MAX = 30
_COMMAND = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")
# What such a header holds is a login; written in clear it would be readable by everyone who may see the connection.
_LOGIN_HEADER = re.compile(r"^(authorization|cookie|x-api-key|api-key|x-auth.*|.*(token|secret|password).*)$", re.I)

Config = dict[str, Any]


def checked_config(kind: str, config: Mapping[str, Any], settings: Settings | None = None) -> Config:
    """Return the configuration if `kind` can use it. With `settings`, also whether the operator allows it.

    Raises:
        Malformed: a field is missing, unknown, or wrong; `errors` says which.
    """
    check = _CHECKS.get(kind)
    if check is None:
        raise _wrong("kind", f"There is no kind of connection called “{kind[:40]}”; choose {', '.join(_CHECKS)}.")
    given = dict(config)
    seconds = given.pop("timeout_seconds", None)
    if seconds is None:
        return check(given, settings)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= CALL_SECONDS_MAX:
        raise _wrong("timeout_seconds", f"A call may take from 1 to {CALL_SECONDS_MAX} seconds.")
    return {**check(given, settings), "timeout_seconds": seconds}


def hosts_of(kind: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where secrets of this connection go. When this changes, every secret must be entered again."""
    if kind == "mcp_http":
        return (net.host_of(str(config["url"])),)
    if kind == "openapi":
        return tuple(sorted({net.host_of(url) for url in (config.get("url"), _base_url(config)) if url}))
    if kind == "mcp_stdio":
        return (f"program:{config['command']}",)
    return ()


def holds_login(header: str) -> bool:
    """Return whether what stands in a header of this name is a login, so that it must be a secret."""
    return _LOGIN_HEADER.fullmatch(header) is not None


def _base_url(config: Mapping[str, Any]) -> str | None:
    if config.get("base_url") or config.get("document") is None:
        return config.get("base_url")
    return base_url_of(config["document"], None)


def _wrong(field: str, sentence: str) -> Malformed:
    return Malformed(sentence, errors={field: [sentence]}, code="bad_connection_config")


def _only(config: Config, *known: str) -> None:
    for field in config:
        if field not in known:
            raise _wrong(str(field)[:60], f"“{str(field)[:60]}” is not a field here; there is {', '.join(known)}.")


def _url(config: Config, field: str) -> str:
    text = config.get(field)
    if not isinstance(text, str) or not text:
        raise _wrong(field, "Give the address, such as https://erp.example.com/mcp.")
    if "{{" in text:
        raise _wrong(field, "Secrets may stand in headers only, never in an address.")
    try:
        return net.checked_url(text)
    except ConnectorError as error:
        raise _wrong(field, error.detail) from error


def _headers(config: Config) -> dict[str, str]:
    given: Any = config.get("headers") or {}
    headers = cast("dict[str, Any]", given) if isinstance(given, dict) else None
    if headers is None or len(headers) > _HEADERS_MAX:
        raise _wrong("headers", f"Headers are a list of at most {_HEADERS_MAX} names with their values.")
    try:
        found = net.checked_headers({name: _without_secrets(text) for name, text in headers.items()})
    except ConnectorError as error:
        raise _wrong("headers", error.detail) from error
    for name in found:
        if holds_login(name) and not has_any(headers[name]):
            raise _wrong(
                "headers",
                f"“{name}” holds a login. Write {{{{secret.NAME}}}} here, and give the value as a secret of this "
                "connection.",
            )
    return dict(headers)


def _without_secrets(text: Any) -> Any:
    class Anything(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return "x"

    return resolved(text, Anything()) if isinstance(text, str) else text


def _mcp_http(config: Config, settings: Settings | None) -> Config:
    _only(config, "url", "headers")
    return {"url": _url(config, "url"), "headers": _headers(config)}


def _mcp_stdio(config: Config, settings: Settings | None) -> Config:
    _only(config, "command")
    name = config.get("command")
    if not isinstance(name, str) or not _COMMAND.fullmatch(name):
        raise _wrong("command", "Give the name under which the operator's settings list the program, and nothing else.")
    if settings is not None and name not in settings.stdio_commands:
        listed = ", ".join(sorted(settings.stdio_commands)) or "none"
        raise _wrong("command", f"The operator's settings name no program “{name}”; they name: {listed}.")
    return {"command": name}


def _openapi(config: Config, settings: Settings | None) -> Config:
    _only(config, "url", "document", "base_url", "headers")
    document: Any = config.get("document")
    if (document is None) == (not config.get("url")):
        raise _wrong("url", "Give either the address of the OpenAPI document, or the document itself.")
    found: Config = {"headers": _headers(config)}
    if document is not None:
        if not isinstance(document, dict) or len(json.dumps(document)) > DOCUMENT_CHARS_MAX:
            raise _wrong("document", f"The document is a JSON object of at most {DOCUMENT_CHARS_MAX} characters.")
        found["document"] = document
    else:
        found["url"] = _url(config, "url")
    if config.get("base_url"):
        found["base_url"] = _url(config, "base_url")
    try:
        hosts_of("openapi", found)
    except ConnectorError as error:
        raise _wrong("base_url", error.detail) from error
    return found


def _folder(config: Config, settings: Settings | None) -> Config:
    _only(config, "folder")
    folder = config.get("folder")
    if not isinstance(folder, str) or not 0 < len(folder) <= 1_000 or not folder.isprintable():
        raise _wrong("folder", "Give the path of a folder.")
    if settings is not None and not is_below_a_root(Path(folder), settings.mail_roots):
        raise _wrong("folder", "The folder is not below one of the mail_roots in the operator's settings.")
    return {"folder": folder}


_CHECKS: dict[str, Callable[[Config, Settings | None], Config]] = {
    "mcp_http": _mcp_http,
    "mcp_stdio": _mcp_stdio,
    "openapi": _openapi,
    "mail": _folder,
    "files": _folder,
}
