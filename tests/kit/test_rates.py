"""Counting how often something happens, and what a flood of made-up keys costs."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from signoff.kit import clock, rates
from signoff.kit.rates import Rates


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the test: change its one number."""
    moment = [1_000.0]
    monkeypatch.setattr(clock, "monotonic_seconds", lambda: moment[0])
    return moment


def test_as_many_as_the_limit_in_any_minute_and_no_more(now: list[float]) -> None:
    counted = Rates(6)
    assert [counted.take("a").is_allowed for _ in range(7)] == [True] * 6 + [False]
    refused = counted.take("a")
    assert (refused.remaining, refused.limit, refused.reset_seconds) == (0, 6, 61)
    now[0] += 60.0
    assert not counted.take("a").is_allowed
    assert counted.take("a").reset_seconds == 1
    now[0] += 1.0
    assert [counted.take("a").is_allowed for _ in range(7)] == [True] * 6 + [False]


def test_what_was_spread_comes_back_as_it_was_spread(now: list[float]) -> None:
    counted = Rates(3)
    for _ in range(3):
        assert counted.take("a").is_allowed
        now[0] += 20
    assert not counted.take("a").is_allowed
    now[0] += 1
    assert [counted.take("a").is_allowed for _ in range(2)] == [True, False]
    assert counted.take("a").reset_seconds == 20


@pytest.mark.parametrize("limit", [1, 7, 60, 600])
def test_no_minute_holds_more_whenever_it_begins(now: list[float], limit: int) -> None:
    """Bursts, pauses and the edges of the clock's minutes: every window of 60 seconds is looked at."""
    dice = random.Random(limit)
    counted, passed = Rates(limit), list[float]()
    for _ in range(limit * 6):
        now[0] += dice.choice((0.0, 0.0, 0.001, 0.3, 1.0, 60.0 / limit, 59.9 if dice.random() < 0.02 else 0.0))
        if counted.take("a").is_allowed:
            passed.append(now[0])
    most = max(sum(start <= at < start + 60 for at in passed) for start in passed)
    assert most <= limit
    assert len(passed) >= limit


def test_threads_that_count_at_once_get_exactly_the_limit() -> None:
    counted = Rates(500)
    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(lambda _: counted.take("a").is_allowed, range(2_000)))
    assert granted.count(True) == 500


def test_a_long_pause_gives_no_more_than_the_limit(now: list[float]) -> None:
    counted = Rates(3)
    counted.take("a")
    now[0] += 100_000
    assert [counted.take("a").is_allowed for _ in range(4)] == [True, True, True, False]


def test_one_key_says_nothing_of_another_and_forgetting_helps_one(now: list[float]) -> None:
    counted = Rates(1)
    assert counted.take("a").is_allowed
    assert counted.take("b").is_allowed
    counted.forget("a")
    assert counted.take("a").is_allowed
    assert not counted.take("b").is_allowed


def test_a_flood_of_keys_does_not_fill_the_memory(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_KEYS_MAX", 10)
    counted = Rates(1)
    for number in range(1_000):
        counted.take(f"made-up-{number}")
    assert len(counted._counts) == 10
