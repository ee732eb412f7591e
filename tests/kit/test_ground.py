"""The small pure things: each by the rule it must keep."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from signoff.kit import canonical, clock, ids, money, paging, text
from signoff.kit.errors import BudgetExceeded, Malformed, NotFound, TooMuch, code_of


def test_ids_carry_their_kind_sort_by_time_and_never_repeat() -> None:
    made = [ids.new_id("run") for _ in range(2000)]
    assert all(one.startswith("run_") and len(one) == 30 for one in made)
    assert len(set(made)) == len(made)
    assert made == sorted(made)


def test_ids_go_on_rising_over_a_clock_that_is_set_back_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.new_id("run")
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 500_000_000)
    assert before < ids.new_id("run")
    monkeypatch.setattr(time, "time_ns", lambda: real() - 3_600_000_000_000)
    an_hour_ago = clock.now() - timedelta(minutes=59)
    assert ids.moment_of(ids.new_id("run")) < an_hour_ago


def test_tokens_carry_256_random_bits() -> None:
    first, second = ids.new_token("so"), ids.new_token("so")
    assert first != second
    assert len(first) >= len("so_") + 43


@pytest.mark.parametrize("usd", ["0", "0.000000001", "0.1", "123456.789012345", "-3.5"])
def test_money_goes_to_nano_dollars_and_back_exactly(usd: str) -> None:
    assert money.from_nano(money.to_nano(Decimal(usd))) == Decimal(usd)


@pytest.mark.parametrize(
    ("usd", "text"),
    [("0.5", "$0.50"), ("0", "$0.00"), ("12", "$12.00"), ("0.0042", "$0.0042"), ("1234.5", "$1,234.50"), ("", "")],
)
def test_money_that_people_read_has_its_cents(usd: str, text: str) -> None:
    assert money.dollars(usd) == text


def test_money_sums_without_the_error_a_float_makes() -> None:
    assert sum([money.to_nano(Decimal("0.1"))] * 10) == money.to_nano(Decimal(1))


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (None, None),
        (Decimal(0), "0"),
        (Decimal("-0"), "0"),
        (Decimal("1.50"), "1.5"),
        (Decimal("1E+2"), "100"),
        (Decimal("0.0000001"), "0.0000001"),
    ],
)
def test_money_on_the_wire_is_plain_digits(usd: Decimal | None, shown: str | None) -> None:
    assert money.as_text(usd) == shown


def test_equal_values_have_one_hash_whatever_their_order() -> None:
    rng = random.Random(7)
    items = [(f"k{n}", {"b": n, "a": [n, None, "é"]}) for n in range(50)]
    expected = canonical.content_hash(dict(items))
    for _ in range(20):
        rng.shuffle(items)
        assert canonical.content_hash(dict(items)) == expected
    assert canonical.content_hash({"a": 1}) != canonical.content_hash({"a": "1"})


def test_a_lone_surrogate_does_not_break_the_hash() -> None:
    assert len(canonical.content_hash({"a": "\ud800"})) == 64


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        canonical.canonical_json({"a": float("nan")})


def test_a_cursor_comes_back_as_it_went() -> None:
    assert paging.decode_cursor(paging.encode_cursor("run_1", 7), 2) == ["run_1", 7]


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!", "WzFd", "e30", "WzEsMiwzXQ", "W3RydWUsMV0", "WzFlOTksMV0", "\x00", "é" * 9]
)
def test_a_foreign_cursor_is_refused_in_words(cursor: str) -> None:
    with pytest.raises(Malformed) as refused:
        paging.decode_cursor(cursor, 2)
    assert refused.value.code == "bad_cursor"
    assert "Start again" in refused.value.detail


@pytest.mark.parametrize(("asked", "given"), [(None, 30), (0, 30), (-5, 1), (7, 7), (10_000, 200)])
def test_a_page_is_never_larger_than_200(asked: int | None, given: int) -> None:
    assert paging.page_size(asked) == given


@pytest.mark.parametrize(
    ("good", "name"),
    [(True, "supplier-mail"), (False, "Supplier"), (False, "-a"), (False, "a" * 64), (False, "a\n"), (False, "")],
)
def test_slugs(good: bool, name: str) -> None:
    assert text.is_slug(name) is good


@pytest.mark.parametrize("name", ["Lieferantenpost Süd", "  7 wonders ", "日本", "a" * 200, "--"])
def test_every_human_name_has_a_slug(name: str) -> None:
    assert text.is_slug(text.slug_from(name))


def test_text_is_made_storable_without_losing_the_rest() -> None:
    assert text.storable("a\x00b\ud800c") == "a\ufffdb?c"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        clock.as_utc(datetime(2026, 1, 1))  # noqa: DTZ001
    east = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert clock.as_utc(east) == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_refusal_has_a_stable_code_and_a_status() -> None:
    assert code_of("BudgetExceeded") == "budget_exceeded"
    assert (BudgetExceeded("x").code, BudgetExceeded("x").status) == ("budget_exceeded", 402)
    assert NotFound("x", code="no_run").code == "no_run"
    assert TooMuch("slow down", retry_after_seconds=3).retry_after_seconds == 3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (90, "90 seconds"), (300, "5 minutes"), (86_400, "24 hours"), (259_200, "3 days")],
)
def test_a_pause_is_told_in_its_largest_fitting_unit(seconds: float, words: str) -> None:
    assert text.pause_in_words(seconds) == words
