"""Attachments as lines of "name: value" text, whatever they were."""

from __future__ import annotations

import csv
import html
import io
import re

TEXT_CHARS_MAX = 400_000
_ROWS_MAX = 2_000
# The name of an element, and what it says when it holds text only. A real XML parser would follow what the sender
# tells it to follow; this reads and nothing else.
_ELEMENT = re.compile(r"<(/?)([A-Za-z_][\w.:-]{0,80})((?:\s[^<>]{0,500})?)>([^<]{0,2000})")
_CURRENCY_ATTRIBUTE = re.compile(r'currency(?:ID)?="([A-Z]{3})"')
_PDF_TEXT = re.compile(r"(?<!\\)\(((?:[^()\\]|\\.){0,2000}+)\)\s{0,3}T[jJ]")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_BLOCK = re.compile(r"</?(?:p|div|br|tr|td|th|li|h[1-6]|table)\b[^<>]{0,500}>", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style|head)\b", re.IGNORECASE)


def plain_text(text: str, name: str, media_type: str) -> str:
    """Return what a person would read in this file. `text` is its content as text, PDF bytes as Latin-1."""
    text = text[:TEXT_CHARS_MAX]
    kind = media_type.lower()
    ending = name.lower().rpartition(".")[2]
    if text.startswith("%PDF"):
        return pdf_text(text)
    if (
        "html" in kind
        or ending in ("html", "htm")
        or text.lstrip()[:15].lower().startswith(("<!doctype html", "<html"))
    ):
        return html_text(text)
    if "xml" in kind or ending == "xml" or text.lstrip().startswith("<?xml"):
        return xml_lines(text)
    if "csv" in kind or ending == "csv":
        return table_lines(text)
    return text


def html_text(text: str) -> str:
    """Return the words of an HTML page, blocks and cells on lines of their own."""
    return html.unescape(_TAG.sub("", _BLOCK.sub("\n", _seen(text))))


def _seen(text: str) -> str:
    """Return the page without its scripts, styles and head; one that never ends hides the rest, as in a browser."""
    lowered = text.lower()
    if len(lowered) != len(text):  # A few letters change their length; places would no longer fit.
        lowered = text
    kept: list[str] = []
    position = 0
    while opening := _UNSEEN.search(lowered, position):
        kept.append(text[position : opening.start()])
        closing = lowered.find(f"</{opening[1].lower()}", opening.end())
        if closing < 0:
            return "".join(kept)
        position = closing
    return "".join([*kept, text[position:]])


def pdf_text(text: str) -> str:
    """Return the lines of a PDF whose text is not compressed; nothing for the others."""
    return "\n".join(re.sub(r"\\(.)", r"\1", match[1]) for match in _PDF_TEXT.finditer(text))


def xml_lines(text: str) -> str:
    """Return one line "Parent Child: value" for each element that holds text."""
    lines: list[str] = []
    path: list[str] = []
    for closing, qualified, attributes, content in _ELEMENT.findall(text):
        name = qualified.rpartition(":")[2]
        if closing:
            if name in path:
                del path[len(path) - 1 - path[::-1].index(name) :]
            continue
        if attributes.endswith("/"):
            continue
        path.append(name)
        if content.strip():
            parent = path[-2] if len(path) > 1 else ""
            currency = _CURRENCY_ATTRIBUTE.search(attributes)
            lines.append(f"{parent} {name}: {html.unescape(content.strip())} {currency[1] if currency else ''}".strip())
    return "\n".join(lines)


def table_lines(text: str) -> str:
    """Return one line "Column: value" for each filled cell of a CSV file, a row's last label joined to its amount."""
    sample = text[:2_000]
    delimiter = max(",;\t", key=sample.count)
    rows = list(_rows(text, delimiter))
    if len(rows) < 2:
        return text
    head, *body = rows
    lines: list[str] = []
    for row in body:
        cells = [(label.strip(), cell.strip()) for label, cell in zip(head, row, strict=False) if cell.strip()]
        words = [cell for _, cell in cells if re.search(r"total|summe|betrag", cell, re.IGNORECASE)]
        if words:  # A row of totals: its words say what its amounts are.
            lines.append(" ".join([words[-1], ":", *(cell for _, cell in cells if cell not in words)]))
        lines += [f"{label}: {cell}" for label, cell in cells if not words or not re.search(r"\d[.,]\d\d$", cell)]
    return "\n".join(lines)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        return [row for _, row in zip(range(_ROWS_MAX), reader, strict=False) if any(cell.strip() for cell in row)]
    except csv.Error:
        return []
