"""Values of a kind that can be named: addresses, accounts, names; in the one form in which they are compared."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlsplit

Typed = Literal["email", "url", "host", "account", "name"]

_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]+"
_DOMAIN = r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*[^\W_]"
_EMAIL = re.compile(rf"{_LOCAL}@{_DOMAIN}")
_NAMED_EMAIL = re.compile(rf'[^<>@,;:"]*<({_LOCAL}@{_DOMAIN})>')
_HOST = re.compile(rf"({_DOMAIN})\.?(:\d{{1,5}})?(/\S*)?")
_ACCOUNT = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_NAME = re.compile(r"[^\W\d](?:[^\W\d]|[ .'’&-])*")
_LETTERS_MIN = 3
_NAME_CHARS_MAX = 120
_VALUE_CHARS_MAX = 2_000
_PORTS = {"http": ":80", "https": ":443"}
# Round a word, never part of what it names.
EDGES = ".,;:!?()[]{}<>|\"'`*_“”‘’«»#@\u2026"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a kind that may be named somewhere, in the form in which it is compared."""

    kind: Typed
    text: str


def typed(text: str) -> Value | None:
    """Return the value in its normal form; None for ids, numbers and free text, which nothing names by occurring.

    What changes when characters of equal look are folded, or has invisible ones, is not taken for what it looks like.
    """
    # Nobody names a value as long as a letter, and keeping it in mind would cost.
    return _typed(text) if len(text) <= _VALUE_CHARS_MAX else None


@lru_cache(maxsize=4_096)
def _typed(text: str) -> Value | None:
    plain = text.strip(" ")
    if not plain or unicodedata.normalize("NFKC", plain) != plain:
        return None
    if any(unicodedata.category(one) in ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp") for one in plain):
        return None
    return _email(plain) or _url(plain) or _account(plain) or _host(plain) or _name(plain)


def values_of(value: Any) -> list[Value] | None:
    """Return what a value names: each address of a list in one text. None when part of it is not typed."""
    if not isinstance(value, str):
        return None
    parts = [part.strip() for part in re.split(r"[,;]", value) if part.strip()]
    if len(parts) > 1 and any("@" in part for part in parts):
        found = [typed(part) for part in parts]
    else:
        found = [typed(value)]
    return None if any(one is None for one in found) else [one for one in found if one is not None]


def looks_like_target(text: str) -> bool:
    """Return whether a text is an address: of a mailbox, of the web, of an account."""
    found = typed(text)
    return found is not None and found.kind != "name"


def addresses_in(text: str) -> bool:
    """Return whether an address of the web stands anywhere in a text."""
    return "://" in text or text.lstrip().startswith(("//", "\\\\", "data:", "file:"))


def endorsement_key(value: Any) -> str:
    """Return the form under which an approver's acceptance of a value is kept: its hash."""
    found = values_of(value)
    text = " ".join(f"{one.kind}:{one.text}" for one in found) if found else f"as-is:{value}"
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _email(text: str) -> Value | None:
    named = _NAMED_EMAIL.fullmatch(text)
    address = named[1] if named else text
    return Value("email", address.casefold()) if _EMAIL.fullmatch(address) else None


def _url(text: str) -> Value | None:
    if "://" not in text or re.search(r"[\s\\]", text):
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    # With a name before the host, what is read as the host need not be it.
    if not host or not parts.scheme or "@" in parts.netloc:
        return None
    shown = f":{port}" if port is not None else ""
    place = f"{host.casefold().rstrip('.')}{'' if shown == _PORTS.get(parts.scheme.lower()) else shown}"
    rest = text.split("://", 1)[1][len(parts.netloc) :]
    if rest in ("", "/"):
        # The root of a place is the place.
        return Value("host", place)
    return Value("url", f"{parts.scheme.lower()}://{place}{rest}")


def _account(text: str) -> Value | None:
    plain = re.sub(r"[ \u00a0]", "", text).upper()
    return Value("account", plain) if _ACCOUNT.fullmatch(plain) else None


def _host(text: str) -> Value | None:
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    place = f"{found[1].casefold()}{found[2] or ''}"
    return Value("host", place) if found[3] in (None, "/") else Value("url", f"https://{place}{found[3]}")


def _name(text: str) -> Value | None:
    words = words_of(text)
    if len(text) > _NAME_CHARS_MAX or not _NAME.fullmatch(words):
        return None
    return Value("name", words) if sum(one.isalpha() for one in words) >= _LETTERS_MIN else None


def words_of(text: str) -> str:
    """Return the words of a text, folded, without what stands round them."""
    stripped = (word.strip(EDGES) for word in text.split())
    return " ".join(word.casefold() for word in stripped if word)


def host_in(value: Any) -> str | None:
    """Return the host that an address of the web leads to, in lower case; None when it is no plain address."""
    found = typed(value) if isinstance(value, str) else None
    if found is None or found.kind not in ("url", "host"):
        return None
    place = found.text.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]
    return place.rsplit(":", 1)[0] if re.search(r":\d+$", place) else place


def is_within(host: str, domain: str) -> bool:
    """Return whether a host is a domain, or below it."""
    wanted = domain.casefold().strip(".")
    return bool(wanted) and (host == wanted or host.endswith(f".{wanted}"))
