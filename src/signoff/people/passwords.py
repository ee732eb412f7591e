"""Passwords: argon2id, a length that resists guessing, and the same time for every answer."""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from signoff.kit.errors import Malformed

CHARS_MIN = 12
BYTES_MAX = 200
# What is tried may be longer: passwords of an earlier rule still open the door.
TRIED_CHARS_MAX = 512
SCORE_MIN = 3

_HASHER = PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1)
# Each check takes 46 MiB: a burst of attempts must queue, not fill the memory.
_AT_ONCE = threading.BoundedSemaphore(2)
# What an unknown address is checked against, so that it takes as long as a known one. Nobody knows its password.
_NOBODY = _HASHER.hash("signoff: no such person")

# The estimate takes seconds for a long text of look-alike characters; what its beginning resists, the whole resists.
_ESTIMATED_CHARS = 32
_KNOWN_WORDS_MAX = 20
_REST_CHARS_MIN = 6
# Known to everybody, though no estimate knows it.
_TOO_FAMOUS = "correcthorsebatterystaple"
_WORDS = re.compile(r"[\W_]+")


def make_hash(password: str, known: Sequence[str] = ()) -> str:
    """Return the stored form of a new password. `known` is what a guesser knows: name, address, workspace.

    Raises:
        Malformed: it is too short, too long, or one of the first that get tried.
    """
    problem = problem_of(password, known)
    if problem:
        raise Malformed(problem, errors={"password": [problem]}, code="bad_password")
    with _AT_ONCE:
        return _HASHER.hash(password)


def fresh_hash(stored: str | None, password: str) -> str | None:
    """Return the present form of an unchanged password whose stored form has older settings; else None.

    It is the person's own and right, so it is not judged again.
    """
    if stored is None or not is_outdated(stored):
        return None
    with _AT_ONCE:
        return _HASHER.hash(password[: TRIED_CHARS_MAX + 1])


def problem_of(password: str, known: Sequence[str] = ()) -> str | None:
    """Return what is wrong with a password somebody chose, in plain words; None when it will do."""
    if len(password) < CHARS_MIN:
        return f"Use at least {CHARS_MIN} characters; a short sentence is easy to remember."
    if len(password.encode("utf-8", "replace")) > BYTES_MAX:
        return f"Use at most {BYTES_MAX} characters; fewer when they are not plain letters."
    if not password.isprintable() or password.encode("utf-8", "replace").decode() != password:
        return "Use characters that can be typed."
    words = _words_of(known)
    if _rest_without(password, words) < _REST_CHARS_MIN:
        return "It is made of your name, your address or the workspace, which get tried first. Add other words."
    return _guessable(password, words)


def _words_of(known: Sequence[str]) -> list[str]:
    parts = {part for text in known for part in _WORDS.split(text.casefold()) if len(part) > 2}
    return sorted(parts, key=len, reverse=True)[:_KNOWN_WORDS_MAX]


def _rest_without(password: str, words: Sequence[str]) -> int:
    rest = password.casefold()
    for word in words:
        rest = rest.replace(word, "")
    return len(_WORDS.sub("", rest)) if words else len(rest)


def _guessable(password: str, words: Sequence[str]) -> str | None:
    # Read when a password is first chosen: its lists of words take a while to load.
    estimate = cast("Callable[..., dict[str, Any]]", importlib.import_module("zxcvbn").zxcvbn)
    with _AT_ONCE:
        found = estimate(password[:_ESTIMATED_CHARS], user_inputs=list(words))
    is_famous = _WORDS.sub("", password.casefold()).startswith(_TOO_FAMOUS)
    if int(found["score"]) >= SCORE_MIN and not is_famous:
        return None
    reason = str(found["feedback"]["warning"] or "").strip() or "It follows a pattern that guessers know."
    return f"This one is among the first that get tried. {reason} Add another word or two, unusual ones."


def matches(stored: str | None, password: str) -> bool:
    """Return whether `password` is the one behind `stored`. Takes as long when there is none."""
    # A long text would make the hash slow; none of ours is that long.
    tried = password[: TRIED_CHARS_MAX + 1]
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored or _NOBODY, tried.encode("utf-8", "replace")) and stored is not None
        except (Argon2Error, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Return whether `stored` was made with older settings and should be made anew at the next sign-in."""
    return _HASHER.check_needs_rehash(stored)
