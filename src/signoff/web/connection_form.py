"""The form of a connection: from what a person typed to a configuration, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from signoff.connections.kinds import CALL_SECONDS_MAX, DOCUMENT_CHARS_MAX, holds_login
from signoff.kit.errors import Malformed
from signoff.settings import Settings
from signoff.web.forms import Form, NotJson, json_text, parse_json

_TEXTS = ("url", "base_url", "command", "folder", "timeout_seconds")
_FIELDS = ("url", "headers", "command", "document", "base_url", "folder", "timeout_seconds")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the operator's settings offer: names of programs, and folders."""

    commands: tuple[str, ...]
    roots: tuple[str, ...]
    has_loopback: bool


def choices_of(settings: Settings) -> Choices:
    """Return what the operator allows."""
    roots = tuple(str(root) for root in settings.mail_roots)
    return Choices(tuple(sorted(settings.stdio_commands)), roots, settings.allow_loopback)


def config_from(kind: str, form: Form) -> dict[str, Any]:
    """Return the configuration the fields describe; the room checks it.

    Raises:
        Malformed: headers, document or seconds cannot be read at all.
    """
    config = _own_config(kind, form)
    if seconds := form.text("timeout_seconds").strip():
        try:
            config["timeout_seconds"] = float(seconds) if "." in seconds else int(seconds)
        except ValueError:
            raise _wrong("timeout_seconds", f"A call may take from 1 to {CALL_SECONDS_MAX} seconds.") from None
    return config


def _own_config(kind: str, form: Form) -> dict[str, Any]:
    if kind == "mcp_stdio":
        return {"command": form.text("command").strip()}
    if kind in ("mail", "files"):
        return {"folder": form.text("folder").strip()}
    config: dict[str, Any] = {"url": form.text("url").strip()}
    if headers := headers_from(form.text("headers")):
        config["headers"] = headers
    if kind == "openapi":
        if form.text("base_url").strip():
            config["base_url"] = form.text("base_url").strip()
        if form.text("way") == "document":
            del config["url"]
            config["document"] = _document(form.text("document"))
    return config


def headers_from(text: str) -> dict[str, str]:
    """Return the headers of `Name: value` lines.

    Raises:
        Malformed: a line has no colon, or a name comes twice.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise _wrong("headers", f"Line {number} is not a header. Write Name: value, one to a line.")
        if name.strip().lower() in {known.lower() for known in found}:
            raise _wrong("headers", f"Line {number} names “{name.strip()[:60]}” a second time.")
        found[name.strip()] = value.strip()
    return found


def _document(text: str) -> dict[str, Any]:
    if len(text) > DOCUMENT_CHARS_MAX:
        raise _wrong("document", f"The document is longer than {DOCUMENT_CHARS_MAX:,} characters.")
    value = parse_json(text)
    if isinstance(value, NotJson):
        raise _wrong("document", f"This is not JSON. {value.sentence} Paste the document as JSON, not as YAML.")
    if not isinstance(value, dict):
        raise _wrong("document", "An OpenAPI document is a JSON object.")
    return cast("dict[str, Any]", value)


def _wrong(field: str, sentence: str) -> Malformed:
    return Malformed(sentence, errors={field: [sentence]}, code="bad_connection_config")


def fields_of(kind: str, config: Mapping[str, Any]) -> Form:
    """Return a configuration as the form shows it."""
    values = {name: (str(config[name]),) for name in _TEXTS if config.get(name)}
    headers = cast("dict[str, str]", config.get("headers") or {})
    values["headers"] = ("\n".join(f"{name}: {value}" for name, value in headers.items()),)
    if config.get("document") is not None:
        values |= {"way": ("document",), "document": (json_text(config["document"]),)}
    return Form(values)


def kept(form: Form) -> Form:
    """Return what may be shown again after a refusal: a login that was typed into a header is not among it."""
    values = dict(form.values)
    if "headers" in values:
        values["headers"] = ("\n".join(_without_login(line) for line in form.text("headers").split("\n")),)
    for name in ("url", "base_url"):
        if name in values:
            values[name] = (_without_user(form.text(name)),)
    return Form(values)


def _without_login(line: str) -> str:
    name, colon, value = line.partition(":")
    return f"{name}: " if colon and holds_login(name.strip()) and "{{secret." not in value else line


def _without_user(address: str) -> str:
    scheme, joint, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{joint}{host.rpartition('@')[2]}{slash}{path}" if joint else address


def shown_config(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a configuration as pairs for reading; secrets stand in it as names."""
    pairs: list[tuple[str, str]] = []
    names = {"url": "Address", "base_url": "Calls go to", "command": "Program", "folder": "Folder"}
    for field in _FIELDS:
        value: Any = config.get(field)
        if field == "headers":
            pairs += [(f"Header {name}", text) for name, text in cast("dict[str, str]", value or {}).items()]
        elif field == "document" and value is not None:
            info = cast("dict[str, Any]", value).get("info")
            title = cast("dict[str, Any]", info).get("title") if isinstance(info, dict) else None
            size = len(json.dumps(value))
            pairs.append(("Document", f"{title if isinstance(title, str) else 'OpenAPI'}, {size:,} characters, pasted"))
        elif field == "timeout_seconds" and value:
            pairs.append(("A call may take", f"{value} seconds"))
        elif value:
            pairs.append((names[field], str(value)))
    return pairs
