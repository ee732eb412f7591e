"""What judges releases under load sees what it is there to see."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signoff.kit import clock, ids
from tests.acceptance.release_load import Asked
from tests.acceptance.release_shares import Accepted, Held, interval, lost_or_doubled, misplaced, mixed, shares

BEGAN = clock.now() - timedelta(minutes=1)
# Long enough for every test of this run of the suite.
HELD = Held(BEGAN, BEGAN + timedelta(days=1), live=1, candidate=2, share=2_000, salt="salt")


def made(count: int, *, moved: int = 0, key: str | None = None) -> list[Accepted]:
    """Runs under the canary; the first `moved` that belong to what is live got the candidate all the same."""
    runs: list[Accepted] = []
    for _ in range(count):
        run_id = ids.new_id("run")
        revision = HELD.revision_for(key or run_id)
        if revision == 1 and moved:
            revision, moved = 2, moved - 1
        runs.append(Accepted(run_id, clock.now(), key, revision, f"By {revision}."))
    return runs


def told(runs: list[Accepted]) -> list[Asked]:
    return [Asked(0.0, 0.0, run.id, run.revision) for run in runs]


def test_runs_as_they_should_be_are_found_right() -> None:
    runs = made(2_000)
    assert lost_or_doubled(told(runs), runs) == misplaced(runs, [HELD]) == mixed(runs, {1: "By 1.", 2: "By 2."}) == []
    assert shares(runs, [HELD])[2_000].count == 2_000


def test_a_lost_run_a_second_run_and_one_of_another_revision_are_seen() -> None:
    runs = made(3)
    asked = told(runs)
    assert lost_or_doubled(asked, runs[1:]) == [f"{runs[0].id} is lost"]
    assert lost_or_doubled(asked[1:], runs) == [f"nobody asked for {runs[0].id}"]
    assert lost_or_doubled([*asked, asked[0]], runs) == ["1 requests got another's run"]
    assert len(lost_or_doubled([Asked(0.0, 0.0, runs[0].id, 3), *asked[1:]], runs)) == 1
    assert len(mixed(runs, {1: "By 3.", 2: "By 3."})) == 3


def test_one_run_that_leaves_its_key_is_seen_and_one_of_another_time_is_not_judged() -> None:
    key = next(key for key in map(str, range(1_000)) if HELD.revision_for(key) == 1)
    runs = made(5, key=key, moved=1)
    assert len(misplaced(runs, [HELD])) == 1
    later = Held(clock.now() + timedelta(days=1), clock.now() + timedelta(days=2), 1, 2, 2_000, "salt")
    assert misplaced(runs, [later]) == []


def test_a_share_that_is_a_third_too_large_is_seen_in_the_runs_that_a_load_makes() -> None:
    # Of 960 at 20 percent some 192 are the candidate's; 64 more are far outside.
    assert not shares(made(960, moved=64), [HELD])[2_000].holds


@pytest.mark.parametrize(("count", "chance", "low", "high"), [(1, 0.2, 0, 1), (100, 0.2, 8, 34), (1000, 0.6, 549, 651)])
def test_an_interval_is_the_binomial_one(count: int, chance: float, low: int, high: int) -> None:
    assert interval(count, chance) == (low, high)
