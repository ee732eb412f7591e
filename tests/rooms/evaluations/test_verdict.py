"""Whether a revision may ship: from the scores of both sides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from signoff.evaluations.verdict import HAIR, Pair, decide, outcome_of

SCORES = some.none() | some.floats(0, 1)
PAIRS = some.lists(some.tuples(some.booleans(), SCORES, SCORES), max_size=40).map(
    lambda rows: [Pair(f"exa_{at}", *row) for at, row in enumerate(rows)]
)


def pairs(*rows: tuple[float | None, float | None], critical: int = 0) -> list[Pair]:
    """Return examples by (candidate, baseline); the first `critical` of them are critical."""
    return [Pair(f"exa_{at}", at < critical, *row) for at, row in enumerate(rows)]


def test_an_example_is_better_worse_or_the_same_within_a_hair() -> None:
    assert [outcome_of(*row) for row in ((0.8, 0.7), (0.7, 0.8), (0.7, 0.705), (0.7, None), (None, 0.7))] == [
        "better", "worse", "same", None, None,
    ]  # fmt: skip


def test_as_good_as_what_serves_is_promotable() -> None:
    found = decide(pairs(*[(1.0, 1.0)] * 20, critical=2))
    assert (found.verdict, found.warnings) == ("promotable", ())
    assert found.reasons == ("Its mean is 1.000, what serves has 1.000, and none of 2 critical examples is lost.",)


def test_one_critical_example_lost_decides_although_the_mean_rises() -> None:
    found = decide(pairs((0.0, 1.0), *[(1.0, 0.2)] * 24, critical=3))
    assert found.score is not None
    assert found.baseline_score is not None
    assert found.score > found.baseline_score
    assert (found.verdict, found.critical_lost) == ("not_promotable", ("exa_0",))
    assert found.reasons == ("It fails or does worse than what serves on 1 of 3 critical examples.",)
    assert (found.better, found.same, found.worse) == (24, 0, 1)


def test_a_critical_example_that_still_passes_but_less_well_is_lost() -> None:
    assert decide(pairs((0.8, 0.9), critical=1)).critical_lost == ("exa_0",)
    assert decide(pairs((0.895, 0.9), critical=1)).critical_lost == ()
    # A hair, and over the edge.
    assert decide(pairs((0.497, 0.503), critical=1)).critical_lost == ("exa_0",)
    # What never passed is not lost.
    assert decide(pairs((0.3, 0.3), critical=1)).critical_lost == ()


def test_a_mean_below_what_serves_is_not_promotable_beyond_the_tolerance() -> None:
    lower = pairs(*[(0.8, 0.9)] * 30)
    assert decide(lower).reasons == ("Its mean is 0.800, below the 0.900 of what serves.",)
    assert decide(lower, tolerance=0.05).verdict == "not_promotable"
    allowed = decide(lower, tolerance=0.1)
    assert (allowed.verdict, allowed.reasons) == (
        "promotable", ("Its mean is 0.800 beside 0.900, within the 0.1 that is tolerated.",),
    )  # fmt: skip


def test_an_example_that_was_not_measured_keeps_it_from_shipping() -> None:
    found = decide(pairs((1.0, 1.0), (None, 1.0), critical=2))
    assert (found.verdict, found.unmeasured) == ("not_promotable", 1)
    assert found.reasons == ("1 of 2 examples was not measured.",)
    assert decide([]).reasons == ("No example was measured, so nothing is known.",)
    assert decide(pairs((None, 1.0))).verdict == "not_promotable"


def test_where_nothing_serves_the_critical_examples_decide() -> None:
    found = decide(pairs((1.0, None), (0.2, None), critical=1))
    assert (found.verdict, found.baseline_score) == ("promotable", None)
    assert found.reasons[0].startswith("There is nothing to compare it with yet; its mean is 0.600")
    lost = decide(pairs((0.2, None), (1.0, None), critical=1))
    assert (lost.verdict, lost.reasons) == ("not_promotable", ("It fails 1 of 1 critical example.",))


def test_few_examples_and_none_that_is_critical_are_told() -> None:
    found = decide(pairs(*[(1.0, 1.0)] * 19))
    assert found.verdict == "promotable"
    assert found.warnings == (
        "19 examples are few: below 20, one of them moves the mean. Add more before you lean on it.",
        "No example is critical: mark those that must never get worse.",
    )


def test_means_are_of_examples_that_both_sides_have() -> None:
    found = decide(pairs((1.0, 0.5), (0.0, None)))
    assert (found.score, found.baseline_score) == (1.0, 0.5)
    assert "Only 1 of 2 examples were measured on both sides." in found.warnings


@given(PAIRS, some.floats(0, 1))
def test_promotable_means_no_critical_example_lost_and_everything_measured(rows: list[Pair], tolerance: float) -> None:
    found = decide(rows, tolerance=tolerance)
    assert found.reasons
    if found.verdict == "promotable":
        assert found.critical_lost == ()
        assert found.unmeasured == 0
        assert found.score is not None
        assert found.baseline_score is None or found.score >= found.baseline_score - tolerance - HAIR
    assert found.better + found.same + found.worse == sum(
        one.candidate is not None and one.baseline is not None for one in rows
    )


@given(PAIRS)
def test_a_better_answer_never_takes_the_verdict_away(rows: list[Pair]) -> None:
    """Where the candidate gets what serves has, or more, on every example, only what is unknown can be against it."""
    risen = [
        Pair(one.example_id, one.is_critical, max(one.candidate or 0.0, one.baseline or 0.0, 0.5), one.baseline)
        for one in rows
    ]
    assert decide(risen).verdict == ("promotable" if rows else "not_promotable")


@given(PAIRS, some.randoms(use_true_random=False))
def test_the_order_of_examples_does_not_matter(rows: list[Pair], chance: object) -> None:
    mixed = list(rows)
    chance.shuffle(mixed)  # pyright: ignore[reportAttributeAccessIssue]
    one, other = decide(rows), decide(mixed)
    assert (one.verdict, set(one.critical_lost), one.unmeasured) == (
        other.verdict,
        set(other.critical_lost),
        other.unmeasured,
    )
