"""Numbers, times, attributes and JSON as people see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from signoff.web import charts
from signoff.web.filters import ago, attributes, count, duration, initials, money, plural, size, time_tag, viewing
from signoff.web.json_view import json_html

NOW = datetime(2026, 11, 20, 14, 42, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (640, "640 ms"),
        (999.7, "1.0 s"),
        (33_500, "33.5 s"),
        (59_990, "1m 00s"),
        (1_107_000, "18m 27s"),
        (11_100_000, "3h 05m"),
        (187_200_000, "2d 4h"),
    ],
)
def test_duration(ms: float | None, text: str):
    assert duration(ms) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "–"),
        (Decimal(0), "$0"),
        (Decimal("0.00000001"), "<$0.0001"),
        (Decimal("0.0094"), "$0.0094"),
        (Decimal("0.084"), "$0.084"),
        (Decimal("1234.5"), "$1,234.50"),
        (Decimal("-2"), "−$2.00"),
    ],
)
def test_money(usd: Decimal | None, text: str):
    assert money(usd) == text


def test_an_unknown_price_is_said_aloud_and_never_free():
    assert money(None, is_known=False) == "price unknown"
    assert money(Decimal(0), is_known=False) == "price unknown"
    assert money(Decimal("0.5"), is_known=False) == "$0.500 + price unknown"


def test_small_words():
    assert (count(None), count(9_999), count(22_240), count(1_340_000)) == ("–", "9,999", "22.2k", "1.3M")
    assert (size(812), size(4_100), size(20_000_000)) == ("812 B", "4.1 KB", "20.0 MB")
    assert (plural(1, "step"), plural(2_000, "step"), plural(0, "reply", "replies")) == (
        "1 step",
        "2,000 steps",
        "0 replies",
    )
    assert (initials("Mei Tanaka"), initials("ines.okafor@x.example"), initials("")) == ("MT", "IO", "?")


@pytest.mark.parametrize(
    ("before", "text"),
    [(10, "just now"), (60, "1 min ago"), (1_140, "19 min ago"), (7_300, "2 h ago"), (260_000, "3 d ago")],
)
def test_ago(before: int, text: str):
    assert ago(NOW - timedelta(seconds=before), NOW) == text
    assert ago(NOW + timedelta(hours=2), NOW) == "in 2 h"


def test_times_are_in_the_readers_zone_and_exact_for_machines():
    with viewing(ZoneInfo("Europe/Prague"), NOW):
        drawn = time_tag(datetime(2026, 11, 20, 14, 23, 10, tzinfo=UTC), "clock")
    assert ">15:23:10</time>" in drawn
    assert 'datetime="2026-11-20T14:23:10Z"' in drawn
    assert "Fri 20 Nov 2026, 15:23:10 CET" in drawn
    with viewing(ZoneInfo("UTC"), NOW):
        assert ">31 Dec 2025 23:00</time>" in time_tag(datetime(2025, 12, 31, 23, 0, tzinfo=UTC), "date")


def test_attributes_are_escaped_and_carry_no_code():
    assert attributes({"hx_get": "/x?a=1&b", "data_row": True, "form": None}) == ' hx-get="/x?a=1&amp;b" data-row'
    for bad in ({"onclick": "x()"}, {"style": "color:red"}, {"hx_on:click": "x"}, {"a b": "c"}, {"hx_vals": "js:x"}):
        with pytest.raises(ValueError, match=r"attribute|script"):
            attributes(bad)


def test_json_is_escaped_and_keeps_money_as_it_is():
    drawn = json_html({"<b>": "</span><script>", "total": Decimal("249.00"), "ok": True, "none": None, "empty": []})
    assert "<script>" not in drawn
    assert "&lt;b&gt;" in drawn
    assert "249.00" in drawn
    assert 'class="j-b">true<' in drawn


def test_json_is_cut_where_it_would_drown_the_page():
    deep: object = "bottom"
    for _ in range(500):
        deep = [deep]
    assert "bottom" not in json_html(deep)
    assert json_html(list(range(1_000))).count("<li>") == 200
    assert "800 more" in json_html(list(range(1_000)))
    wide = [{str(k): [1, 2, 3] for k in range(150)} for _ in range(150)]
    assert len(json_html(wide)) < 1_500_000
    long = json_html({"a/b": "x" * 3_000}, more_url="/runs/1/value?step=2")
    assert "1,000 more characters" in long
    assert "/runs/1/value?step=2&amp;at=%2Fa~1b" in long


def test_chart_geometry_holds_at_its_edges():
    assert charts.spark_path([]) == ""
    assert charts.spark_path([5]) == "M0.00 33.00L100.00 33.00"
    assert charts.stack([], ["a"], 50) == []
    assert charts.stack([{"a": 0}], ["a"], 50) == [[]]
    assert [charts.nice_top(v) for v in (0, 0.3, 1, 3, 12, 26, 100)] == [1, 0.5, 1, 5, 20, 50, 100]
    assert (charts.share(3, 0), charts.share(5, 4), charts.share(1, 8)) == ("0.0", "100.0", "12.5")
    assert charts.step_bar(0, 0, 0) == charts.Step("0.00%", "0.01%")
    assert charts.step_bar(500, None, 1_000) == charts.Step("50.00%", "100.00%")
