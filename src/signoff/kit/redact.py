"""Masking of secret values, in every form in which they come back: `{{secret.NAME}}` takes their place.

Nine forms: as it is, on one line, base64, base64 for addresses (also inside a longer text), percent-escaped once or
twice, hex, JSON-escaped, HTML-escaped, reversed or with its halves swapped. Each also where a text was cut off within
it, which the mark of the cut tells.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, quote_plus

# A shorter value would be found in ordinary words; it is masked only where it stands alone.
LENGTH_MIN = 4
# Shorter pieces of an encoding say nothing about the value and would be found in ordinary text.
_PIECE_MIN = 8
# What is left of a form before a cut is masked from so many characters on, or from half of the form.
_HEAD_MAX = 12
_CODED_LINE = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
_CUT_MARKS = ("…", "\n[cut here")
_DEPTH_MAX = 100
_TOO_DEEP = "[nested too deep to show]"
_CLEAN_MAX = 20_000
_REMEMBERED_CHARS_MIN = 200


class Redactor:
    """Masks the values of some secrets. Immutable but for a memory of long texts already found clean.

    Args:
        secrets: name → value; or pairs of them, when a name has had several values.
    """

    def __init__(self, secrets: Mapping[str, str] | Sequence[tuple[str, str]]) -> None:
        self._whole: dict[str, str] = {}
        forms: dict[str, str] = {}
        self._pairs = tuple(secrets.items()) if isinstance(secrets, Mapping) else tuple(secrets)
        for name, value in self._pairs:
            if not value:
                continue
            mark = f"{{{{secret.{name}}}}}"
            self._whole.setdefault(value, mark)
            if len(value) >= LENGTH_MIN:
                for form in _forms(value):
                    forms.setdefault(form, mark)
        # Longest first: a value that contains another one is masked as itself.
        self._forms = sorted(forms.items(), key=lambda item: len(item[0]), reverse=True)
        self._heads = tuple({_head(form) for form in forms})
        self._clean: dict[tuple[int, int], None] = {}

    def and_also(self, secrets: Mapping[str, str]) -> Redactor:
        """Return a redactor that masks these secrets, too; this one when it does already, for to make one is costly."""
        new = [(name, value) for name, value in secrets.items() if value and value not in self._whole]
        return Redactor([*self._pairs, *new]) if new else self

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to mask."""
        return not self._whole

    @property
    def chars_max(self) -> int:
        """Return the length of the longest form of a secret: a text that ends may end within one."""
        return len(self._forms[0][0]) if self._forms else 0

    def text(self, text: str) -> str:
        """Return `text` with every form of every secret masked."""
        if not self._whole or len(text) < 1:
            return text
        if text in self._whole:
            return self._whole[text]
        # The same long texts come by with every turn of a conversation; a text's hash is kept by Python.
        known = (hash(text), len(text)) if len(text) >= _REMEMBERED_CHARS_MIN else None
        if known is not None and known in self._clean:
            return text
        masked = self._without_forms(text)
        if known is not None and masked == text:
            if len(self._clean) >= _CLEAN_MAX:
                self._clean.clear()
            self._clean[known] = None
        return masked

    def value(self, value: Any) -> Any:
        """Return plain JSON `value` with every text, name and number in it masked. What is clean is not copied."""
        if not self._whole:
            return value
        if isinstance(value, str):
            return self.text(value)
        # One look at all texts together is much cheaper than a look at each, and nearly always finds nothing.
        texts: list[str] = []
        is_shallow = _collect(value, texts, 0)
        if is_shallow and self._whole.keys().isdisjoint(texts) and self._is_clean("\0".join(texts)):
            return value
        return self._masked(value, 0)

    def _is_clean(self, text: str) -> bool:
        if any(form in text for form, _ in self._forms):
            return False
        return not (_is_cut(text) and any(head in text for head in self._heads))

    def _without_forms(self, text: str) -> str:
        for form, mark in self._forms:
            if form in text:
                text = text.replace(form, mark)
        if _is_cut(text) and any(head in text for head in self._heads):
            for form, mark in self._forms:
                text = _without_cut_form(text, form, mark)
        return text

    def _masked(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if depth > _DEPTH_MAX:
            return _TOO_DEEP
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            masked = {self.text(str(name)): self._masked(item, depth + 1) for name, item in members.items()}
            same = all(
                new is old and new_name == name
                for (name, old), (new_name, new) in zip(members.items(), masked.items(), strict=False)
            )
            return members if same and len(masked) == len(members) else masked
        if isinstance(value, list | tuple):
            items = cast("list[Any]", value)
            new_items = [self._masked(item, depth + 1) for item in items]
            return items if all(new is old for new, old in zip(new_items, items, strict=True)) else new_items
        if isinstance(value, int | float) and not isinstance(value, bool):
            # A secret of digits comes back as a number from a system that reads it as one.
            text = repr(value)
            masked = self.text(text)
            return value if masked == text else masked
        return value


def _is_cut(text: str) -> bool:
    return any(mark in text for mark in _CUT_MARKS)


def _head(form: str) -> str:
    return form[: max(LENGTH_MIN, min(_HEAD_MAX, -(-len(form) // 2)))]


def _without_cut_form(text: str, form: str, mark: str) -> str:
    """Return `text` with the beginning of a form masked where a text was cut off within it."""
    head = _head(form)
    at = text.find(head)
    while at >= 0:
        alike = zip(text[at : at + len(form)], form, strict=False)
        kept = next((number for number, (found, wanted) in enumerate(alike) if found != wanted), len(form))
        if text.startswith(_CUT_MARKS, at + kept):
            text = text[:at] + mark + text[at + kept :]
            at += len(mark)
        else:
            at += 1
        at = text.find(head, at)
    return text


def _collect(value: Any, texts: list[str], depth: int) -> bool:
    """Gather every text, name and number in `value`. Returns False when it is nested too deep to look at."""
    if isinstance(value, str):
        texts.append(value)
    elif depth > _DEPTH_MAX:
        return False
    elif isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        texts.extend(map(str, members))
        return all(_collect(item, texts, depth + 1) for item in members.values())
    elif isinstance(value, list | tuple):
        return all(_collect(item, texts, depth + 1) for item in cast("list[Any]", value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        texts.append(repr(value))
    return True


def _forms(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    # As an error message quotes what has several lines.
    found = {value, *_escaped(value), *_in_json(" ".join(value.split()))}
    # What a program turned about or wrote for a page may come back within JSON, as most answers of tools do.
    for form in (*_turned(value), html.escape(value, quote=False), html.escape(value)):
        found.update((form, *_in_json(form)))
    found.update((raw.hex(), raw.hex().upper()))
    # The lines of a key in PEM say it all, whatever stands between them.
    found.update(line for line in value.splitlines()[1:] if _CODED_LINE.fullmatch(line))
    found.update("".join(f"%{byte:02{case}}" for byte in raw) for case in "xX")
    found.update(_base64_pieces(raw))
    return {form for form in found if len(form) >= LENGTH_MIN}


def _escaped(value: str) -> Iterator[str]:
    # The last two: what a browser leaves alone in a part of an address (encodeURIComponent) and in a whole one.
    percent = {quote(value, safe=safe, errors="replace") for safe in ("", "/", "!'()*~", ";/?:@&=+$,#!'()*~[]")}
    percent.add(quote_plus(value, errors="replace"))
    yield from percent
    yield from {_lower_escapes(form) for form in percent}
    yield from {quote(form, safe="") for one in percent for form in (one, _lower_escapes(one))}
    yield from {quote(form, safe="", errors="replace") for form in _in_json(value)}
    yield from _in_json(value)
    for unsafe in ("<>&", "<>&'", "<>&'\""):
        yield "".join(f"\\u{ord(char):04x}" if char in unsafe else json.dumps(char)[1:-1] for char in value)
    # Every character escaped, as some programs write JSON; beyond the basic plane in two halves.
    units = memoryview(value.encode("utf-16-be", "surrogatepass"))
    for case in "xX":
        escaped = "".join(f"\\u{units[at] << 8 | units[at + 1]:04{case}}" for at in range(0, len(units), 2))
        yield escaped
        # As a text within JSON.
        yield escaped.replace("\\", "\\\\")
    # As Python writes a text, alone and beside quotation marks of both kinds; libraries quote bodies like that.
    yield repr(value)[1:-1]
    yield repr(value + "'\"")[1:-4]
    yield html.escape(value)
    yield html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    yield html.escape(value).replace("&#x27;", "&apos;")
    yield "".join(f"&#{ord(char)};" for char in value)
    yield from ("".join(f"&#x{ord(char):{case}};" for char in value) for case in "xX")


def _in_json(text: str) -> Iterator[str]:
    for is_ascii in (True, False):
        escaped = json.dumps(text, ensure_ascii=is_ascii)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
        # JSON within JSON, as a tool that answers with a text of JSON gives it.
        yield json.dumps(escaped, ensure_ascii=is_ascii)[1:-1]


def _lower_escapes(form: str) -> str:
    parts = form.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def _turned(value: str) -> Iterator[str]:
    """Yield the value backwards, with its halves swapped, and with each half backwards."""
    if len(value) < _PIECE_MIN:
        return
    middle = len(value) // 2
    first, second = value[:middle], value[middle:]
    yield value[::-1]
    yield second + first
    yield first[::-1] + second[::-1]
    yield second[::-1] + first[::-1]


def _base64_pieces(raw: bytes) -> Iterator[str]:
    """Yield the base64 of `raw`, and the part of it that stands in any longer text's base64, at each of 3 offsets."""
    whole = base64.b64encode(raw).decode()
    for form in (whole, whole.rstrip("=")):
        yield form
        yield form.translate(_FOR_ADDRESSES)
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        start = (offset * 8 + 5) // 6
        # The last character also holds bits of what follows, unless the value ends on a whole group of three.
        end = len(encoded) if (offset + len(raw)) % 3 == 0 else len(encoded) - 1
        piece = encoded[start:end]
        if len(piece) >= _PIECE_MIN:
            yield piece
            yield piece.translate(_FOR_ADDRESSES)


_FOR_ADDRESSES = str.maketrans("+/", "-_")
