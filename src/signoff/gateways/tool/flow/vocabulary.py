"""The values that some texts name, as whole tokens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from signoff.kit.typed_values import EDGES, Value, typed, values_of, words_of

_ACCOUNT_IN_TEXT = re.compile(r"\b[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{1,4}){3,9}(?![A-Za-z0-9])")
_ACCOUNT_CHARS_MIN = 15
# What is written as it is meant: between quotation marks or as code, and channels and handles by their sign.
_QUOTED = re.compile(
    r"`([^`\n]{1,120})`|\"([^\"\n]{1,120})\"|[“„]([^“”\n]{1,120})[”“]|«([^«»\n]{1,120})»"
    r"|(?<!\w)['‘]([^'‘’\n]{1,120})['’](?!\w)|(?<![\w&#@])[#@](\w[\w.&'’-]{0,119})"
)
_SIGNS = ("#", "@")
_INSIDE = re.compile(r"[()\[\]{}<>|\"`*“”«»,;=]+")
# Emphasis may stand round an address, and may belong to it: without it, only when it is none as it stands.
_LIGHT_EDGES = "".join(one for one in EDGES if one not in "#@*_")
_ALL_EDGES = "".join(one for one in EDGES if one not in "#@")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The values that some texts name."""

    values: frozenset[Value] = frozenset()
    # All words, each between two blanks, so that a name is found as whole words.
    words: str = " "
    # Names that are written as literals, without what stands round them: what a plain word of a text never is.
    literals: frozenset[str] = frozenset()
    # Values that are meant whatever they look like: argument → canonical values.
    exact: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def names(self, value: Value) -> bool:
        """Return whether the texts name this value."""
        return f" {value.text} " in self.words if value.kind == "name" else value in self.values

    def has(self, argument: str, value: Any) -> bool:
        """Return whether an argument's value is named: every part of it, typed, as a whole token."""
        if argument in self.exact and exact_key(value) in self.exact[argument]:
            return True
        found = values_of(value)
        return bool(found) and all(self.names(one) for one in found or ())

    def has_target(self, argument: str, value: Any) -> bool:
        """Return whether a value that chooses a target is named: a name only where it looks like one.

        Any word may stand in a text by chance: `invoice` in instructions about invoices names no recipient. A name
        counts as one that is quoted, written as code or with its sign (`#finance`), and one with its sign and a
        hyphen (`#finance-ops`) where the text has it without.
        """
        if argument in self.exact and exact_key(value) in self.exact[argument]:
            return True
        found = values_of(value)
        return bool(found) and all(self._names_target(one, value) for one in found or ())

    def _names_target(self, one: Value, value: Any) -> bool:
        if one.kind != "name" or one.text in self.literals:
            return self.names(one) or one.text in self.literals
        return "-" in one.text and str(value).strip().startswith(_SIGNS) and self.names(one)

    def plus(self, other: Vocabulary) -> Vocabulary:
        """Return both together."""
        if self is NOTHING or other is NOTHING:
            return other if self is NOTHING else self
        exact = {
            name: self.exact.get(name, frozenset()) | other.exact.get(name, frozenset())
            for name in (*self.exact, *other.exact)
        }
        literals = self.literals | other.literals
        return Vocabulary(self.values | other.values, f"{self.words}\n {other.words}", literals, exact)

    def without(self, other: Vocabulary) -> Vocabulary:
        """Return what these texts name and the others do not: of names, without each word the others have."""
        if other is NOTHING:
            return self
        gone = frozenset(other.words.split())
        # A line end stays in a word's place: no name goes over the gap.
        words = " ".join("\n" if word in gone else word for word in self.words.split(" "))
        return Vocabulary(self.values - other.values, words, self.literals - other.literals, self.exact)

    @staticmethod
    def of(*texts: Any, exact: Mapping[str, Iterable[Any]] | None = None, are_literals: bool = False) -> Vocabulary:
        """Return what texts name; of a JSON value, its texts one by one.

        Args:
            exact: argument → values that are meant whatever they look like.
            are_literals: each text is a value, not prose.
        """
        plain = [unicodedata.normalize("NFKC", text) for text in _texts(texts)]
        kept = {name: frozenset(exact_key(value) for value in values) for name, values in (exact or {}).items()}
        found = {value for text in plain for value in _named_in(text)}
        # A line end between two texts: no name goes from one into the other.
        literals = {words_of(one) for text in plain for one in ([text] if are_literals else _quoted_in(text))}
        words = "".join(f" {words_of(text)} \n" for text in plain) or " "
        return Vocabulary(frozenset(found), words, frozenset(literals), kept)


def exact_key(value: Any) -> str:
    """Return a value as it is compared when it must be equal."""
    return value if isinstance(value, str) else f"{type(value).__name__}:{value}"


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in cast("Mapping[str, Any]", value).values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in cast("list[Any]", value):
            yield from _texts(item)


def _quoted_in(text: str) -> Iterable[str]:
    for match in _QUOTED.finditer(text):
        yield next(group for group in match.groups() if group is not None)


def _named_in(text: str) -> Iterable[Value]:
    for word in text.split():
        if "@" in word or "." in word or "://" in word or len(word) >= _ACCOUNT_CHARS_MIN:
            pieces = (word, *_INSIDE.split(word), *(word.split(":") if "@" in word and "://" not in word else ()))
            yield from (found for piece in pieces if (found := _address(piece)) is not None)
    for match in _ACCOUNT_IN_TEXT.finditer(text):
        # Written in groups; a word in capitals after it is none of them, so each beginning of it is taken.
        groups = match[0].replace("\u00a0", " ").split(" ")
        for number in range(1, len(groups) + 1):
            found = typed("".join(groups[:number]))
            if found is not None and found.kind == "account":
                yield found


def _address(piece: str) -> Value | None:
    for edges in (_LIGHT_EDGES, _ALL_EDGES):
        found = typed(piece.strip(edges))
        if found is not None and found.kind != "name":
            return found
    return None


NOTHING = Vocabulary()
