"""A strategy is read strictly, and its time is data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from signoff.kit.errors import Malformed
from signoff.releases.policy import POLICY, default_strategy, reviewers_wanted, watch_minutes
from signoff.releases.strategy import PLAIN, check_time, read_strategy
from signoff.watch.probes.evidence import TIERS
from signoff.watch.probes.policy import default_policy

NOON = datetime(2030, 3, 1, 12, tzinfo=UTC)  # A Friday.


def test_nothing_said_is_at_once_and_whole():
    assert read_strategy(None) == read_strategy({}) == PLAIN
    assert PLAIN.is_plain
    assert PLAIN.sentence == "at once and whole"
    assert PLAIN.begins_at(NOON) == NOON


def test_what_is_kept_reads_the_same_again():
    said: dict[str, Any] = {
        "at": "2030-03-04T08:00:00+01:00",
        "window": {"days": ["mon", "tue"], "opens": "09:00", "closes": "16:00", "zone": "Europe/Berlin"},
        "shadow": {"days": 5, "sample_percent": 12.5, "daily_usd": "3.50"},
        "canary": {"steps": [{"share_percent": 0.5, "minutes": 30, "min_runs": 5}, {"share_percent": 25, "minutes": 9}],
                   "cohort": ["acme"]},
        "watch_minutes": 90,
    }  # fmt: skip
    way = read_strategy(said)
    assert read_strategy(way.plain()) == way
    assert way.kind == "shadow_canary"
    assert way.canary is not None
    assert [step.share for step in way.canary.steps] == [50, 2_500]
    assert way.shadow is not None
    assert way.shadow.share == 1_250
    assert "5 days as a shadow of 12.5 %" in way.sentence


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"canary": {"steps": []}}, "strategy.canary"),
        ({"canary": {"steps": [{"share_percent": 25, "minutes": 1}, {"share_percent": 25, "minutes": 1}]}},
         "strategy.canary"),
        ({"canary": {"steps": [{"share_percent": 100, "minutes": 1}]}}, "strategy.canary.steps.0.share_percent"),
        ({"canary": {"steps": [{"share_percent": 0, "minutes": 1}]}}, "strategy.canary.steps.0.share_percent"),
        ({"canary": {"steps": [{"share_percent": 5, "minutes": "10"}]}}, "strategy.canary.steps.0.minutes"),
        ({"canary": {"steps": [{"share_percent": n, "minutes": 1} for n in range(1, 12)]}}, "strategy.canary.steps"),
        ({"shadow": {"days": 0}}, "strategy.shadow.days"),
        ({"shadow": {"days": 1, "daily_usd": 0}}, "strategy.shadow.daily_usd"),
        ({"at": "2030-01-01T00:00:00"}, "strategy.at"),
        ({"window": {"zone": "Europe/Nowhere"}}, "strategy.window.zone"),
        ({"speed": "fast"}, "strategy.speed"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_is(said: dict[str, Any], where: str):
    with pytest.raises(Malformed) as refused:
        read_strategy(said)
    assert where in refused.value.errors


@pytest.mark.parametrize(
    ("said", "where", "sentence"),
    [
        ({"canary": {"steps": [{"share_percent": 5, "minutes": "10"}]}}, "canary.steps.0.minutes",
         "It is “10”. Write a whole number, without quotes."),
        ({"canary": {"steps": [{"share_percent": 100, "minutes": 1}]}}, "canary.steps.0.share_percent",
         "It is 100. Write less than 100."),
        ({"canary": {"steps": []}}, "canary", "A canary needs steps, a cohort, or both."),
        ({"canary": {"cohort": [""]}}, "canary.cohort.0", "It is empty. Fill it in."),
        ({"shadow": {}}, "shadow.days", "It is missing. Add it."),
        ({"shadow": {"days": True}}, "shadow.days", "It is true. Write a whole number, without quotes."),
        ({"shadow": {"days": 1, "reads": "old"}}, "shadow.reads", "It is “old”. Choose one of 'recorded' or 'live'."),
        ({"shadow": {"days": 1, "daily_usd": "1.234"}}, "shadow.daily_usd",
         "It is “1.234”. Write at most 2 digits after the point."),
        ({"shadow": "five days"}, "shadow", "It is “five days”. Write an object."),
        ({"canry": {}}, "canry",
         ("There is no such field. Did you mean canary? Take one of at, window, shadow, canary, "
         "watch_minutes, or leave it out.")),
        ({"at": "tomorrow"}, "at", ("It is “tomorrow”. Write a moment with its zone, such as "
         "2030-01-31T08:00:00+01:00.")),
        ({"at": 5}, "at", "Write the moment with its zone, such as 2030-01-31T08:00:00+01:00."),
        ({"window": {"opens": "9"}}, "window.opens", "Write the time of the day with two digits each, such as 09:00."),
        ({"window": {"days": ["monday"]}}, "window.days.0",
         ("It is “monday”. Choose one of 'mon', 'tue', 'wed', 'thu', "
         "'fri', 'sat' or 'sun'.")),
    ],
)  # fmt: skip
def test_a_mistake_is_told_plainly_with_what_to_write(said: dict[str, Any], where: str, sentence: str):
    with pytest.raises(Malformed) as refused:
        read_strategy(said)
    assert refused.value.errors == {f"strategy.{where}": [sentence]}
    assert refused.value.detail == f"The strategy cannot be read. strategy.{where}: {sentence}"


def test_two_mistakes_are_both_told():
    with pytest.raises(Malformed) as refused:
        read_strategy({"shadow": {"days": 0}, "speed": "fast"})
    assert set(refused.value.errors) == {"strategy.shadow.days", "strategy.speed"}
    assert refused.value.detail.endswith("And 1 more, told in `errors`.")


def test_a_moment_and_a_window_are_both_waited_for():
    way = read_strategy({"at": "2030-03-02T10:00:00Z", "window": {"opens": "09:00", "closes": "16:00"}})
    assert way.begins_at(NOON) == datetime(2030, 3, 4, 9, tzinfo=UTC)  # Saturday is no day of the window.
    later = datetime(2030, 3, 5, 10, tzinfo=UTC)
    assert way.begins_at(later) == later


def test_a_moment_that_is_over_or_far_is_refused():
    for at in (NOON - timedelta(hours=1), NOON + timedelta(days=91)):
        with pytest.raises(Malformed) as refused:
            check_time(read_strategy({"at": at.isoformat()}), NOON)
        assert "strategy.at" in refused.value.errors
    check_time(read_strategy({"at": (NOON + timedelta(days=1)).isoformat()}), NOON)


def test_a_higher_tier_never_asks_for_less():
    wanted = [POLICY[tier] for tier in TIERS]
    asked = default_policy().reviewers
    assert [asked.get(tier, 0) for tier in TIERS] == sorted(asked.get(tier, 0) for tier in TIERS)
    assert [one.watch_minutes for one in wanted] == sorted(one.watch_minutes for one in wanted)
    assert [one.strategy.kind for one in wanted] == ["plain", "canary", "canary", "shadow_canary"]
    assert all(one.reason for one in wanted)


def test_where_one_only_tries_nothing_is_asked():
    asked = default_policy().reviewers
    assert reviewers_wanted("critical", asked, is_production=False, is_emergency=False, is_rollback=False) == 0
    assert reviewers_wanted("critical", asked, is_production=True, is_emergency=True, is_rollback=False) == 0
    assert reviewers_wanted("critical", asked, is_production=True, is_emergency=False, is_rollback=False) == 2
    assert default_strategy("critical", is_production=False, is_something_live=True) == PLAIN
    assert default_strategy("critical", is_production=True, is_something_live=False) == PLAIN
    assert watch_minutes("critical", PLAIN, is_production=False) == 0
