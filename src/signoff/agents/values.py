"""Lists of values that an argument may or may not have, compared so that no spelling slips by. Pure.

Whatever cannot be read as what its rule is about does not fit: a rule that cannot be checked refuses.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import idna

from signoff.agents.rules import ValueRule
from signoff.kit.dotted import MISSING, values_at
from signoff.kit.text import shortened

_CHARS_MAX = 2_000
_ADDRESSES_MAX = 200
_DECODINGS_MAX = 4
_LOCAL = re.compile(r"[^\s@,;:<>()\[\]\\\"\x00-\x1f\x7f]{1,64}")
_NAMED = re.compile(r"[^@,;<>\"\\\x00-\x1f\x7f]*<([^<>]+)>\s*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_SPACED = re.compile(r"[\s\\\x00-\x1f\x7f]")
_PLUS_TAG = re.compile(r"\+[^@]*@")
_DOTS_ONLY = re.compile(r"[. ]*")


class _Odd(ValueError):
    """A value that is not of the kind its rule is about."""


def value_problems(args: Any, path: str, rule: ValueRule) -> Iterator[str]:
    """Yield what keeps the argument at `path` from being allowed, a sentence each."""
    found = list(values_at(args, path))
    for value in found:
        if value is MISSING or value is None:
            if rule.allow is not None and not rule.optional:
                yield f"{path}: this agent must give it"
            continue
        said = shortened(value, 80) if isinstance(value, str) else shortened(repr(value), 80)
        try:
            texts = [_text(value)]
            if rule.kind in ("email", "domain"):
                texts = _addresses(texts[0])
            for text in texts:
                _check(rule, text)
        except _Odd as odd:
            yield f"{path}: {said} {odd}"


def is_readable(rule: ValueRule, entry: str) -> bool:
    """Return whether an entry of a list means something of the rule's kind."""
    try:
        _ENTRY[rule.kind](entry)
    except _Odd:
        return False
    return True


def _check(rule: ValueRule, text: str) -> None:
    for form in _FORMS[rule.kind](text):
        matches = _MATCHES[rule.kind]
        if any(_denies(rule, form, entry) for entry in rule.deny):
            raise _Odd("is on the list of what this agent must not use")
        if rule.allow is not None and not any(_allows(rule, form, entry, matches) for entry in rule.allow):
            raise _Odd("is not on the list of what this agent may use")


def _allows(rule: ValueRule, form: str, entry: str, matches: Callable[[str, str], bool]) -> bool:
    try:
        return matches(form, _ENTRY[rule.kind](entry))
    except _Odd:
        return False


def _denies(rule: ValueRule, form: str, entry: str) -> bool:
    """Return whether a denied entry is meant, in whatever case and look it is written."""
    try:
        meant = _loose(_ENTRY[rule.kind](entry))
    except _Odd:
        # What nobody can read may mean this very value.
        return True
    return any(_MATCHES[rule.kind](one, meant) for one in _readings(rule, form))


def _readings(rule: ValueRule, form: str) -> set[str]:
    """Return what the other side may take a value for: decoded, and a mailbox without the tag behind its plus."""
    found = {_loose(form)}
    if rule.kind == "exact":
        now = form
        for _ in range(_DECODINGS_MAX):
            now = unquote(now)
            found.add(_loose(now))
    if rule.kind in ("exact", "email"):
        found |= {_PLUS_TAG.sub("@", one) for one in found}
    return found


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise _Odd("is not a text, so it cannot be compared")
    if len(value) > _CHARS_MAX:
        raise _Odd(f"is longer than {_CHARS_MAX:,} characters, so it cannot be compared")
    return value


def _exact(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _loose(text: str) -> str:
    """Return a text without what only changes its look: width, case, what is invisible, spaces around it."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(one for one in plain if unicodedata.category(one) not in ("Cf", "Cc")).casefold().strip()


# Mail addresses and domains


def _addresses(text: str) -> list[str]:
    """Return the single addresses of a text that may list several, `Ann <ann@example.com>, bob@example.com`."""
    if _SCHEME.match(text):
        return [text]
    parts = [part for part in re.split(r"[,;]", text) if part.strip()]
    if not parts or len(parts) > _ADDRESSES_MAX:
        raise _Odd("names nobody, or too many, so it cannot be compared")
    return parts


def _email(text: str) -> str:
    named = _NAMED.fullmatch(text.strip(" "))
    plain = (named[1] if named else text).strip(" ")
    local, at, domain = plain.rpartition("@")
    # Whatever looks like an at sign of another width could be one for the other side.
    folded = unicodedata.normalize("NFKC", local)
    # A percent sign is an encoded character to some, and to others the address behind it (`eve%evil.com@relay`).
    if not at or "%" in folded or not _LOCAL.fullmatch(folded) or not _LOCAL.fullmatch(local):
        raise _Odd("is not one plain mail address")
    return f"{folded.casefold()}@{_host(domain)}"


def _host(text: str) -> str:
    plain = text.strip(" ").removesuffix(".")
    try:
        found = idna.encode(plain, uts46=True, transitional=False, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise _Odd("has no domain that can be read") from error
    if not found:
        raise _Odd("has no domain that can be read")
    return found.removesuffix(".")


def _domain(text: str) -> str:
    if _SCHEME.match(text):
        if _SPACED.search(text):
            raise _Odd("is not a plain address")
        try:
            split = urlsplit(text)
            host = split.hostname
        except ValueError as error:
            raise _Odd("is not a plain address") from error
        if not host or split.username is not None or split.password is not None or "@" in split.netloc:
            raise _Odd("is not a plain address")
        return _host(host)
    if "@" in unicodedata.normalize("NFKC", text):
        return _email(text).rpartition("@")[2]
    return _host(text)


def _domain_entry(entry: str) -> str:
    return _host(entry.strip().removeprefix("*.").removeprefix("@").removeprefix("."))


def _is_within(domain: str, entry: str) -> bool:
    return domain == entry or domain.endswith(f".{entry}")


# Paths


def _path_forms(text: str) -> Iterator[str]:
    """Yield a path as it stands and as each decoding of it would be read; all of them must fit."""
    now = text
    for _ in range(_DECODINGS_MAX):
        yield _path(now)
        wide = unicodedata.normalize("NFKC", now)
        if wide != now:
            yield _path(wide)
        decoded = unquote(now, errors="strict") if "%" in now else now
        if decoded == now:
            return
        now = decoded
    raise _Odd("is encoded again and again, so it cannot be compared")


def _paths(text: str) -> list[str]:
    try:
        return list(_path_forms(text))
    except UnicodeDecodeError as error:
        raise _Odd("is not a plain path") from error


def _path(text: str) -> str:
    if any(unicodedata.category(one) in ("Cc", "Cf") for one in text) or not text.strip() or text != text.strip():
        raise _Odd("is not a plain path")
    plain = unicodedata.normalize("NFC", text).replace("\\", "/")
    scheme = _SCHEME.match(plain)
    rest = plain[scheme.end() :] if scheme else plain
    if rest.startswith("~"):
        raise _Odd("is not a plain path")
    if not scheme and rest.startswith("//"):
        # On Windows that is a server, in a browser another site.
        raise _Odd("begins with two slashes, so it may lead to another machine")
    # Some servers read `..;x` as `..`.
    steps = rest.split("/")
    if any(";" in step and _DOTS_ONLY.fullmatch(step.split(";", 1)[0]) for step in steps):
        raise _Odd("is not a plain path")
    if any(step not in ("", ".", "..") and _DOTS_ONLY.fullmatch(step) for step in steps):
        raise _Odd("is not a plain path")
    if scheme:
        # The host, or bucket, is not a step that can be left.
        return f"{scheme[1].lower()}://{posixpath.normpath('/' + rest).lstrip('/')}"
    found = posixpath.normpath(rest)
    if found == ".." or found.startswith("../"):
        raise _Odd("leads out of where it begins")
    return f"/{found.lstrip('/')}" if found.startswith("/") else found


def _is_below(path: str, entry: str) -> bool:
    return path == entry or path.startswith(entry if entry.endswith("/") else f"{entry}/")


def _same(one: str, other: str) -> bool:
    return one == other


_FORMS: dict[str, Callable[[str], list[str]]] = {
    "exact": lambda text: [_exact(text)],
    "email": lambda text: [_email(text)],
    "domain": lambda text: [_domain(text)],
    "path": _paths,
}
_ENTRY: dict[str, Callable[[str], str]] = {
    "exact": _exact,
    "email": _email,
    "domain": _domain_entry,
    "path": _path,
}
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "exact": _same,
    "email": _same,
    "domain": _is_within,
    "path": _is_below,
}
