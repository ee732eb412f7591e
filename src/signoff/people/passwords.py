"""Passwords: argon2id, a length that resists guessing, and the same time for every answer."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from signoff.kit.errors import Malformed

CHARS_MIN = 12
CHARS_MAX = 512

_HASHER = PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1)
# Each check takes 46 MiB: a burst of attempts must queue, not fill the memory.
_AT_ONCE = threading.BoundedSemaphore(2)
# What an unknown address is checked against, so that it takes as long as a known one. Nobody knows its password.
_NOBODY = _HASHER.hash("signoff: no such person")

_TOO_COMMON = frozenset(
    ("passwordpassword", "123456789012", "qwertyuiopas", "administrator", "correcthorsebatterystaple")
)


def make_hash(password: str) -> str:
    """Return the stored form of a new password.

    Raises:
        Malformed: it is too short, too long, or one everybody tries first.
    """
    problem = _problem_of(password)
    if problem:
        raise Malformed(problem, errors={"password": [problem]}, code="bad_password")
    with _AT_ONCE:
        return _HASHER.hash(password)


def _problem_of(password: str) -> str | None:
    if len(password) < CHARS_MIN:
        return f"Use at least {CHARS_MIN} characters; a short sentence is easy to remember."
    if len(password) > CHARS_MAX:
        return f"Use at most {CHARS_MAX} characters."
    if password.casefold() in _TOO_COMMON or len(set(password)) < 4:
        return "This one is among the first that get tried. Choose another."
    if not password.isprintable():
        return "Use characters that can be typed."
    return None


def matches(stored: str | None, password: str) -> bool:
    """Return whether `password` is the one behind `stored`. Takes as long when there is none."""
    # A long text would make the hash slow; none of ours is that long.
    tried = password[: CHARS_MAX + 1]
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored or _NOBODY, tried.encode("utf-8", "replace")) and stored is not None
        except (Argon2Error, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Return whether `stored` was made with older settings and should be made anew at the next sign-in."""
    return _HASHER.check_needs_rehash(stored)
