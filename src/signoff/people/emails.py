"""Addresses and names of people, as they are stored."""

from __future__ import annotations

import re

from signoff.kit.errors import Malformed
from signoff.kit.text import storable

_ADDRESS = re.compile(r"[^\s@<>\"(),;:\\\[\]]{1,64}@[^\s@<>\"(),;:\\\[\]]{1,189}")


def clean_email(text: str) -> str:
    """Return an address in the one form we compare: trimmed, lower case.

    Raises:
        Malformed: it is no address.
    """
    address = text.strip().lower()
    if len(address) > 200 or not address.isprintable() or not _ADDRESS.fullmatch(address):
        raise Malformed(
            f"{text[:80]!r} is not an e-mail address.", errors={"email": ["an address like name@example.com"]}
        )
    return address


def clean_name(text: str) -> str:
    """Return a person's or a thing's name: trimmed, one line, 1 to 200 characters.

    Raises:
        Malformed: nothing is left, or it is too long.
    """
    name = " ".join(storable(text).split())
    if not name or len(name) > 200:
        raise Malformed("A name has 1 to 200 characters.", errors={"name": ["1 to 200 characters"]})
    return name
