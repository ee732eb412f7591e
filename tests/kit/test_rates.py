"""Counting how often something happens, and what a flood of made-up keys costs."""

from __future__ import annotations

import pytest

from signoff.kit import clock, rates
from signoff.kit.rates import Rates


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the test: change its one number."""
    moment = [1_000.0]
    monkeypatch.setattr(clock, "monotonic_seconds", lambda: moment[0])
    return moment


def test_as_many_as_the_limit_and_then_steadily(now: list[float]) -> None:
    counted = Rates(6)
    assert [counted.take("a").is_allowed for _ in range(7)] == [True] * 6 + [False]
    refused = counted.take("a")
    assert (refused.remaining, refused.limit, refused.reset_seconds) == (0, 6, 10)
    now[0] += 9.9
    assert not counted.take("a").is_allowed
    now[0] += 0.2
    assert counted.take("a").is_allowed
    assert not counted.take("a").is_allowed


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
    assert len(counted._buckets) == 10
