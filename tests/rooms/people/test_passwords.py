"""Which passwords will do, and that judging one is quick."""

from __future__ import annotations

import time

import pytest
from argon2 import PasswordHasher

from signoff.kit.errors import Malformed
from signoff.people import passwords
from signoff.people.passwords import fresh_hash, is_outdated, make_hash, matches, problem_of

KNOWN = ("Mei Tanaka", "mei@northwind.example", "Northwind Trading")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "at least 12"),
        ("é" * 101, "at most 200"),
        ("x" * 600, "at most 200"),
        ("tab\tin the middle of it", "can be typed"),
        ("half of a sign \ud800 here", "can be typed"),
        ("aaaaaaaaaaaa", "first that get tried"),
        ("Password1234!", "first that get tried"),
        ("passwordpassword", "first that get tried"),
        ("123456789012", "first that get tried"),
        ("qwertyuiop12", "first that get tried"),
        ("correcthorsebatterystaple", "first that get tried"),
        ("Correct Horse Battery Staple", "first that get tried"),
        ("mei tanaka northwind", "your name"),
        ("Northwind-2024!", "your name"),
    ],
)
def test_what_guessers_try_is_refused_in_plain_words(password: str, words: str) -> None:
    with pytest.raises(Malformed) as refused:
        make_hash(password, KNOWN)
    assert words in refused.value.detail
    assert refused.value.errors["password"] == [refused.value.detail]


@pytest.mark.parametrize(
    "password",
    ["a sentence nobody guesses", "München liegt an der Isar", "kvZ8!mq2Wd-Lp", "мой дядя самых честных правил"],
)
def test_any_unusual_text_will_do(password: str) -> None:
    stored = make_hash(password, KNOWN)
    assert matches(stored, password)
    assert not matches(stored, password + "x")
    assert not matches(None, password)


@pytest.mark.parametrize("password", ["4@8({[<369&#!1/|0$5+7%2/4" * 8, "ab" * 100, "x" * 200, "1|!7" * 50])
def test_no_text_makes_judging_slow(password: str) -> None:
    started = time.monotonic()
    problem_of(password, KNOWN)
    assert time.monotonic() - started < 10


def test_a_password_of_an_earlier_rule_still_opens_the_door_and_is_hashed_anew() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("x" * 300)
    assert is_outdated(old)
    assert matches(old, "x" * 300)
    fresh = fresh_hash(old, "x" * 300)
    assert fresh is not None
    assert matches(fresh, "x" * 300)
    assert fresh_hash(fresh, "x" * 300) is None
    assert fresh_hash(None, "x" * 300) is None
    assert passwords.BYTES_MAX == 200
