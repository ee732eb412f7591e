"""A message as the mail connection's `read_message` and `read_attachment` answer it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from signoff.demo.reading.plain import html_text, plain_text

_DEPTH_MAX = 8
_ATTACHMENTS_MAX = 50
# What may hold words. Anything else is only counted.
_READABLE = re.compile(r"text/|xml|csv|json|pdf|rfc822|html", re.IGNORECASE)
_READABLE_NAMES = (".txt", ".csv", ".xml", ".htm", ".html", ".pdf", ".eml", ".md", ".json")
_ADDRESS = re.compile(r"[\w.+-]{1,80}@([A-Za-z0-9.-]{1,200})")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message. `text` is None while it has not been read."""

    id: str
    name: str
    media_type: str
    size: int
    text: str | None = None

    @property
    def is_worth_reading(self) -> bool:
        """Return whether there may be words in it that have not been seen."""
        readable = bool(_READABLE.search(self.media_type)) or self.name.lower().endswith(_READABLE_NAMES)
        return self.text is None and readable and bool(self.id)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message with what is inside it. `senders` are mail domains, the outermost first."""

    subject: str
    sender: str
    text: str
    headers: dict[str, str] = field(default_factory=dict[str, str])
    attachments: tuple[Attachment, ...] = ()
    remarks: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()


def as_mail(answer: Any) -> Mail:
    """Return the message in a tool's answer, in whatever of the usual field names it came."""
    if isinstance(answer, Mapping):
        return _mail(cast("Mapping[str, Any]", answer), 0)
    return Mail(subject="", sender="", text=str(answer or ""))


def attachment_text(answer: Any, attachment: Attachment) -> str:
    """Return the words in the answer of `read_attachment`; empty when there are none."""
    if isinstance(answer, Mapping):
        item = cast("Mapping[str, Any]", answer)
        if isinstance(item.get("message"), Mapping):
            return _whole_text(_mail(item["message"], 1))
        content = _first(item, "text", "content", "body", "data")
        encoded = _first(item, "base64", "content_base64", "data_base64")
        if not content and encoded:
            content = _decoded(encoded)
        elif content and str(item.get("encoding", "")).lower() == "base64":
            content = _decoded(content)
        if not content and ("subject" in item or "attachments" in item):
            return _whole_text(_mail(item, 1))
        return plain_text(content, attachment.name, attachment.media_type)
    return plain_text(answer, attachment.name, attachment.media_type) if isinstance(answer, str) else ""


def _mail(answer: Mapping[str, Any], depth: int) -> Mail:
    headers = answer.get("headers")
    sender = _address(_value(answer, "from", "sender"))
    text = _first(answer, "text", "body", "body_text", "content")
    if not text.strip():
        text = _first(answer, "html_as_text") or html_text(_first(answer, "html", "body_html"))
    attachments: list[Attachment] = []
    inner: list[Mail] = []
    for item in _items(answer, "attachments"):
        attachments.append(_attachment(item))
        if isinstance(item.get("message"), Mapping) and depth < _DEPTH_MAX:
            inner.append(_mail(item["message"], depth + 1))
    inner += [_mail(item, depth + 1) for item in _items(answer, "nested", "messages") if depth < _DEPTH_MAX]
    return Mail(
        subject=_first(answer, "subject"),
        sender=sender,
        text="\n\n".join([text, *map(_whole_text, inner)]),
        headers=_headers(headers),
        attachments=(*attachments, *(found for mail in inner for found in mail.attachments)),
        remarks=tuple(str(item)[:300] for item in _list(_value(answer, "problems", "defects", "remarks", "notes")))[
            :10
        ],
        senders=tuple(dict.fromkeys([*_ADDRESS.findall(sender.lower()), *(d for mail in inner for d in mail.senders)])),
    )


def _headers(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(name).lower(): str(text) for name, text in cast("Mapping[Any, Any]", value).items()}
    return {}


def _attachment(item: Mapping[str, Any]) -> Attachment:
    size = _value(item, "size_bytes", "size")
    bare = Attachment(
        id=str(_value(item, "attachment_id", "id") or ""),
        name=_first(item, "name", "filename"),
        media_type=_first(item, "media_type", "content_type", "type", "mime_type"),
        size=size if isinstance(size, int) else 0,
    )
    text = _first(item, "text")
    return (
        bare
        if not text
        else Attachment(bare.id, bare.name, bare.media_type, bare.size, plain_text(text, bare.name, bare.media_type))
    )


def _whole_text(mail: Mail) -> str:
    known = [attachment.text for attachment in mail.attachments if attachment.text]
    return "\n".join([f"From: {mail.sender}", f"Subject: {mail.subject}", "", mail.text, *known])


def _value(item: Mapping[str, Any], *names: str) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _first(item: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := item.get(name), str) and value), "")


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _items(item: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    found = _list(_value(item, *names))[:_ATTACHMENTS_MAX]
    return [cast("Mapping[str, Any]", entry) for entry in found if isinstance(entry, Mapping)]


def _address(value: Any) -> str:
    if isinstance(value, Mapping):
        item = cast("Mapping[str, Any]", value)
        return f"{_first(item, 'name')} <{_first(item, 'address', 'email')}>"
    if isinstance(value, list):
        return ", ".join(_address(entry) for entry in cast("list[Any]", value)[:5])
    return str(value or "")


def _decoded(encoded: str) -> str:
    try:
        return base64.b64decode(encoded[:3_000_000], validate=False).decode("latin-1")
    except (binascii.Error, ValueError):
        return ""
