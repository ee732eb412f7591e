"""An attachment as text, where it holds text; a description, where it does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from signoff.connectors.html_text import html_to_text
from signoff.connectors.mail.charsets import decoded
from signoff.connectors.mail.pdf import pdf_text
from signoff.kit.errors import ConnectorError

BYTES_MAX = 25_000_000
_TEXT_TYPES = re.compile(
    r"^(text/.*|application/(.*\+)?(json|xml)|application/(x-)?(csv|yaml|ndjson|edi.*|edifact|sql|rtf)|message/.*)$"
)
_TEXT_NAMES = re.compile(r"\.(txt|csv|tsv|json|xml|md|log|yaml|yml|ics|vcf|edi|eml|ini|cfg)$", re.IGNORECASE)
_HTML_NAMES = re.compile(r"\.x?html?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """An attachment's bytes and what is said about them."""

    filename: str
    media_type: str
    charset: str
    data: bytes
    is_cut: bool


def as_text(document: Document, chars_max: int) -> dict[str, Any]:
    """Return `text` (None when there is none to be had), whether it was cut, and problems."""
    problems: list[str] = []
    if document.is_cut:
        problems.append(f"it is larger than {BYTES_MAX // 1_000_000} MB; what follows is not read")
    text = _text(document, problems)
    if text is None:
        problems.append("it holds no text that could be shown")
        return {"text": None, "is_truncated": False, "problems": problems}
    return {
        "text": text[:chars_max],
        "is_truncated": len(text) > chars_max or document.is_cut,
        "chars": len(text),
        "problems": problems,
    }


def _text(document: Document, problems: list[str]) -> str | None:
    # What a file is shows in its first bytes; what it calls itself may be a mistake or a lie.
    data, name, media_type = document.data, document.filename, document.media_type
    if b"%PDF-" in data[:1024]:
        return _pdf(data, problems) if not document.is_cut else None
    if media_type in ("text/html", "application/xhtml+xml") or _HTML_NAMES.search(name):
        return html_to_text(decoded(data, document.charset, problems))
    is_text = _TEXT_TYPES.match(media_type) or _TEXT_NAMES.search(name) or media_type == "application/octet-stream"
    if not is_text or _is_binary(data):
        return None
    text = decoded(data, document.charset, problems)
    return html_to_text(text) if text[:200].lstrip().lower().startswith(("<!doctype html", "<html")) else text


def _is_binary(data: bytes) -> bool:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return False
    head = data[:4096]
    odd = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return odd > len(head) // 50


def _pdf(data: bytes, problems: list[str]) -> str | None:
    try:
        text = pdf_text(data)
    except ConnectorError as error:
        problems.append(error.detail)
        return None
    if not text.strip():
        problems.append("it holds pictures of text only")
        return None
    return text
