"""A broken split is found, and a sound one left in peace."""

from __future__ import annotations

import random

import pytest

from signoff.deployments.analysis.shares import Step, sample_ratio
from signoff.deployments.bucket import variant_for


def test_the_split_of_our_own_buckets_is_sound_at_every_look() -> None:
    seen: list[Step] = []
    flagged: list[int] = []
    for share in (5, 25, 50):
        sides = [variant_for("rel_4", f"key_{share}_{number}", share) for number in range(3_000)]
        for look in range(100, 3_001, 100):
            candidate = sides[:look].count("candidate")
            if sample_ratio([*seen, Step(share / 100, candidate, look - candidate)]).is_broken:
                flagged.append(look)
        seen.append(Step(share / 100, sides.count("candidate"), sides.count("live")))
    assert flagged == []


def test_sound_splits_are_hardly_ever_flagged() -> None:
    chance = random.Random(12)
    flagged = 0
    for _ in range(300):
        candidate = 0
        for keys in range(1, 301):
            candidate += chance.random() < 0.05
            if sample_ratio([Step(0.05, candidate, keys - candidate)]).is_broken:
                flagged += 1
                break
    # 99.9th percentile at a probability of 0.1 %.
    assert flagged <= 4


def test_a_split_that_lost_a_tenth_of_the_candidates_keys_is_found() -> None:
    found = sample_ratio([Step(0.5, 4_500, 5_500)])
    assert found.is_broken
    assert found.reason.startswith("4500 of 10000 keys (45.0 %) went to the candidate; 50.0 % was wanted: the split")


def test_errors_of_two_steps_do_not_cancel_out() -> None:
    assert sample_ratio([Step(0.5, 5_300, 4_700), Step(0.5, 4_700, 5_300)]).is_broken
    assert not sample_ratio([Step(0.5, 10_000, 10_000)]).is_broken


def test_at_nothing_or_everything_a_single_key_astray_is_enough() -> None:
    assert sample_ratio([Step(0.0, 1, 100)]).is_broken
    assert sample_ratio([Step(1.0, 100, 1)]).is_broken
    assert not sample_ratio([Step(0.0, 0, 100), Step(1.0, 100, 0)]).is_broken
    assert not sample_ratio([]).is_broken


def test_what_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        sample_ratio([Step(5, 1, 2)])
