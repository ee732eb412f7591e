"""Buckets: uniform, the same for everybody, and none that leaves the candidate while its share grows."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from signoff.deployments.bucket import bucket, variant_for

KEYS = [f"case_{number}" for number in range(20_000)]
# The 99.9th percentile of chi-square with 99 degrees of freedom.
CHI_SQUARE_99 = 148.2


def test_a_bucket_is_what_the_formula_says_on_any_machine() -> None:
    # int(sha256(b"rel_1:case_7"), 16) mod 10000, worked out elsewhere.
    assert bucket("rel_1", "case_7") == 4639
    assert bucket("rel_1", "case_7") != bucket("rel_2", "case_7")


@pytest.mark.parametrize("salt", ["rel_1", "rel_2", "rel_3"])
def test_keys_fall_evenly_into_buckets(salt: str) -> None:
    hundreds = Counter(bucket(salt, key) // 100 for key in KEYS)
    wanted = len(KEYS) / 100
    assert sum((hundreds[one] - wanted) ** 2 / wanted for one in range(100)) < CHI_SQUARE_99


def test_two_releases_choose_independently() -> None:
    both = sum(variant_for("a", key, 50) == variant_for("b", key, 50) for key in KEYS)
    # Five standard deviations of a fair coin.
    assert abs(both - len(KEYS) / 2) < 5 * (len(KEYS) / 4) ** 0.5


def test_a_growing_share_never_takes_a_key_from_the_candidate() -> None:
    shares = [0, 0.5, 1, 5, 25, 50, 99.99, 100]
    served = [{key for key in KEYS if variant_for("rel_1", key, share) == "candidate"} for share in shares]
    assert all(smaller <= larger for smaller, larger in pairwise(served))
    assert served[0] == set()
    assert served[-1] == set(KEYS)


@pytest.mark.parametrize("share", [1, 5, 25, 50])
def test_the_candidate_gets_its_share_of_keys(share: int) -> None:
    got = sum(variant_for("rel_9", key, share) == "candidate" for key in KEYS)
    expected = len(KEYS) * share / 100
    assert abs(got - expected) < 5 * (expected * (1 - share / 100)) ** 0.5


@pytest.mark.parametrize("share", [-1, 101, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 100"):
        variant_for("rel_1", "case_1", share)
