"""Bytes to text, whatever the message claims they are."""

from __future__ import annotations

import re

from signoff.kit.text import storable

# Codecs that turn bytes into text and nothing else; Python's list holds zip, rot13 and idna, too.
_KNOWN = re.compile(
    r"^(us[-_]?ascii|ascii|ansi[-_]x3|utf[-_]?(7|8|16|32)|unicode[-_]1[-_]1[-_]utf[-_]?7|iso[-_]?8859|latin|l\d$|windows|cp\d|"
    r"x[-_]cp|koi8|gb|hz|big5|euc|shift[-_]?jis|sjis|ms932|iso[-_]?2022|mac|tis[-_]?620|ks[-_]c|ksc|johab|ibm|viscii)",
    re.IGNORECASE,
)
_ALIASES = {
    "unicode-1-1-utf-7": "utf-7",
    "x-sjis": "shift_jis",
    "windows-31j": "cp932",
    "ms932": "cp932",
    "ks_c_5601-1987": "cp949",
    "iso-8859-8-i": "iso-8859-8",
    "x-cp1252": "cp1252",
    "gb2312": "gb18030",
    "x-gbk": "gb18030",
}
# Labels under which senders put almost anything.
_LOOSE = re.compile(r"^(us[-_]?ascii|ascii|iso[-_]?8859[-_]?1|latin[-_]?1|windows[-_]?1252|cp1252)$", re.IGNORECASE)


def decoded(data: bytes, charset: str, problems: list[str]) -> str:
    """Return `data` as text, by its label if that fits, else by the best guess, with a remark in `problems`.

    Characters NUL, which some programs leave in what they wrote, are no reason not to read the rest.
    """
    text = _labelled(data, charset, problems)
    if "\0" in text:
        problems.append("its text holds characters NUL, which are left out")
    return storable(text.replace("\0", ""))


def _labelled(data: bytes, charset: str, problems: list[str]) -> str:
    label = charset.strip().strip("\"'").lower()[:60]
    if _LOOSE.match(label) or not label:
        return _loosely(data, label, problems)
    if _KNOWN.match(label):
        try:
            return _clean(data.decode(_ALIASES.get(label, label)))
        except UnicodeError:
            problems.append(f"the text is not the {label} it says it is")
        except LookupError:
            problems.append(f"the character set “{storable(label)}” is not known")
    else:
        problems.append(f"the character set “{storable(label)}” is not known")
    return _guessed(data)


def _loosely(data: bytes, label: str, problems: list[str]) -> str:
    if data.isascii():
        return _clean(data.decode("ascii"))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(data)
    if label:
        problems.append(f"the text says it is {label} and is utf-8")
    return _clean(text)


def guessed(data: bytes) -> str:
    """Return `data` as UTF-8 if it is that, else as Windows-1252, which has a character for nearly every byte."""
    return storable(_guessed(data))


def _guessed(data: bytes) -> str:
    for name in ("utf-8", "cp1252"):
        try:
            return _clean(data.decode(name))
        except UnicodeDecodeError:
            continue
    return _clean(data.decode("cp1252", "replace"))


def _clean(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
