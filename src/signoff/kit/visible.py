"""Text from outside, made so that a person sees all of it: what is invisible, turns the line around, or looks like
another letter is written out in `⟨…⟩`. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, cast

# Letters and signs that look like Latin ones, and what they look like: the common ones of Unicode's confusables.
_LOOKS_LIKE = {
    **dict(zip("аеорсухіјѕһԁԛԝӏѵѡґԍ", "aeopcyxijshdqwlvwrg", strict=True)),
    **dict(zip("АВЕКМНОРСТУХІЈЅԌԚԜҮӀ", "ABEKMHOPCTYXIJSGQWYI", strict=True)),
    **dict(zip("αιοκνρτυχγ", "aiokvptuxy", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    **dict(zip("օսցհոաեՏՍԼ", "oughnwtSUL", strict=True)),
    **dict(zip("ıɑɡƖƽɩʏᴠᴡᴢꞵ", "iaglsiyvwzB", strict=True)),
}
# Signs that stand where an address has its own: a slash, a full stop, a hyphen, an at sign, a colon.
_SIGNS_LIKE = dict(zip("∕⁄⧸․․。‐‑−ꓸ꞉∶", "///...---.::", strict=True))
_SPACES = frozenset("\u2800\u3164\uffa0\u115f\u1160\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
                    "\u2009\u200a\u205f\u3000")  # fmt: skip
_KEPT_CONTROLS = frozenset("\n\t")
_WORD = re.compile(r"[^\s,;<>()\[\]{}\"'`|]+")
_JOINERS = frozenset("\u200c\u200d")
_EMOJI_STYLE = "\ufe0f"


def visible(text: str) -> str:
    """Return `text` with everything written out that a reader would not see, or would take for something else.

    A word of one script only stays as it is, in whatever script; in a word that mixes Latin letters with others, the
    others are named where they look like Latin ones.
    """
    return _WORD.sub(lambda match: _word(match.group()), "".join(_seen(text)))


def is_plain(text: str) -> bool:
    """Return whether a reader sees `text` as it is."""
    return visible(text) == text


def visible_value(value: Any) -> Any:
    """Return plain JSON with every text in it made visible, names of fields too."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [visible_value(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {visible(str(key)): visible_value(item) for key, item in cast("dict[Any, Any]", value).items()}
    return value


def _seen(text: str) -> list[str]:
    found: list[str] = []
    for index, char in enumerate(text):
        before = text[index - 1] if index else ""
        after = text[index + 1] if index + 1 < len(text) else ""
        found.append(_named(char) if _is_hidden(char, before, after) else char)
    return found


def _is_hidden(char: str, before: str, after: str) -> bool:
    if char.isascii():
        return char not in _KEPT_CONTROLS and not char.isprintable()
    if char in _JOINERS:
        # Scripts that join their letters, and emoji, are written with them.
        return not (_takes_joiners(before) and _takes_joiners(after))
    if char == _EMOJI_STYLE:
        return not _is_symbol(before)
    if char in _SPACES:
        return True
    kind = unicodedata.category(char)
    return kind in ("Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp") or _is_variation(char)


def _takes_joiners(char: str) -> bool:
    if not char or char.isascii():
        return False
    return unicodedata.category(char) in ("Lo", "Mn", "Mc", "So", "Sk") or char == _EMOJI_STYLE


def _is_symbol(char: str) -> bool:
    return bool(char) and (unicodedata.category(char) in ("So", "Sk", "Sm", "Po") or char in "0123456789#*")


def _is_variation(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0e" or "\U000e0100" <= char <= "\U000e01ef" or char == "\u034f"


def _word(word: str) -> str:
    if word.isascii():
        return word
    is_mixed = any(char.isascii() and char.isalpha() for char in word)
    return "".join(_letter(char, is_mixed=is_mixed) for char in word)


def _letter(char: str, *, is_mixed: bool) -> str:
    if char.isascii() or char in "⟨⟩":
        return char
    plain = _LOOKS_LIKE.get(char) if is_mixed else None
    plain = plain or (_SIGNS_LIKE.get(char) if is_mixed else None) or _styled(char)
    return f"{char}{_named(char)}" if plain else char


def _styled(char: str) -> str | None:
    """Return the ASCII letter or sign that a full-width, mathematical or enclosed one stands for."""
    folded = unicodedata.normalize("NFKC", char)
    if len(folded) == 1 and folded.isascii() and (folded.isalnum() or folded in "@./:-_\\"):
        return folded
    return None


def _named(char: str) -> str:
    name = unicodedata.name(char, "").lower()
    return f"⟨U+{ord(char):04X}{' ' + name if name else ''}⟩"
