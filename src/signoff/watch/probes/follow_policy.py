"""What a policy says of the time after a release: connections tried at the switch, the first week, reviews. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field

from signoff.agents.part import Part
from signoff.watch.probes.evidence import TIERS, Tier
from signoff.watch.probes.facts import Targets
from signoff.watch.probes.rule import BLOCK_FROM, BlockFrom

_Reason = Annotated[str, Field(min_length=1, max_length=500)]
_Percent = Annotated[float, Field(ge=0, le=100)]
_Days = Annotated[int, Field(ge=1, le=366)]


class ActivationsText(Part):
    """From which tier on a release into production goes back when a connection does not work at its switch."""

    roll_back_from: BlockFrom
    reason: _Reason | None = None


class FirstWeekText(Part):
    """How the first week of an agent of one tier ends. Less than the shipped policy asks for needs a reason."""

    good_days: Annotated[int, Field(ge=0, le=30, description="In a row; 0: there is no first week.")]
    is_read: Annotated[bool, Field(description="A good day wants a person who read some of its outputs.")] = True
    reason: _Reason | None = None


class ReviewsText(Part):
    """When an agent in production is reviewed. Seldomer than the shipped policy says needs a reason."""

    first_days: _Days | None = None
    every_days: _Days | None = None
    done_within_days: _Days | None = None
    reason: _Reason | None = None


class TargetsText(Part):
    """What a week of an agent keeps to before it is given more to do. Looser than shipped needs a reason."""

    failed_percent: _Percent | None = None
    needs_input_percent: _Percent | None = None
    denied_percent: _Percent | None = None
    cost_usd: Annotated[float, Field(ge=0, le=100_000)] | None = None
    reason: _Reason | None = None


class AfterText(Part):
    """What follows a release; what is left out stays."""

    activations: ActivationsText | None = None
    first_week: dict[Tier, FirstWeekText] = Field(default_factory=dict[Tier, FirstWeekText])
    reviews: ReviewsText = ReviewsText()
    targets: TargetsText = TargetsText()


@dataclass(frozen=True, slots=True)
class FirstWeekRule:
    """So many good days in a row end the first week; whether each wants a person's reading."""

    good_days: int = 3
    is_read: bool = True

    def asks_less_than(self, other: FirstWeekRule) -> bool:
        """Return whether this ends a first week sooner than another rule does."""
        return self.good_days < other.good_days or (other.is_read and not self.is_read)


@dataclass(frozen=True, slots=True)
class AfterPolicy:
    """What holds after a release.

    Attributes:
        roll_back_from: from which tier on a connection that fails at the switch takes the release back.
        review_first_days: how long after the first release the great review is due; `every`: how often the small one;
            `within`: how long its owner has for it.
    """

    roll_back_from: BlockFrom = "never"
    first_week: Mapping[Tier, FirstWeekRule] = field(default_factory=dict[Tier, FirstWeekRule])
    review_first_days: int = 30
    review_every_days: int = 7
    review_within_days: int = 7
    targets: Targets = field(default_factory=Targets)

    def week_of(self, tier: Tier) -> FirstWeekRule:
        """Return how the first week of an agent of a tier ends."""
        return self.first_week.get(tier, FirstWeekRule())

    def rolls_back(self, tier: Tier, *, is_production: bool) -> bool:
        """Return whether a connection that fails at the switch takes a release of this tier back."""
        return is_production and BLOCK_FROM.index(tier) >= BLOCK_FROM.index(self.roll_back_from)

    def reviews_seldomer_than(self, other: AfterPolicy) -> bool:
        """Return whether agents are reviewed later, less often, or with more time for it than under another policy."""
        mine = (self.review_first_days, self.review_every_days, self.review_within_days)
        theirs = (other.review_first_days, other.review_every_days, other.review_within_days)
        return any(one > another for one, another in zip(mine, theirs, strict=True))

    def targets_looser_than(self, other: AfterPolicy) -> bool:
        """Return whether a week keeps to less than under another policy. A cost that nobody had set is one more."""
        mine, theirs = self.targets, other.targets
        return (
            mine.failed_percent > theirs.failed_percent
            or mine.needs_input_percent > theirs.needs_input_percent
            or mine.denied_percent > theirs.denied_percent
            or (theirs.cost_usd is not None and (mine.cost_usd is None or mine.cost_usd > theirs.cost_usd))
        )

    def asks_less_than(self, other: AfterPolicy) -> bool:
        """Return whether this asks less than another in any way."""
        return (
            self.reviews_seldomer_than(other)
            or BLOCK_FROM.index(self.roll_back_from) > BLOCK_FROM.index(other.roll_back_from)
            or self.targets_looser_than(other)
            or any(self.week_of(tier).asks_less_than(other.week_of(tier)) for tier in TIERS)
        )


def after_of(text: AfterText, base: AfterPolicy) -> AfterPolicy:
    """Return what holds when this is laid over that."""
    weeks: dict[Tier, FirstWeekRule] = {
        tier: FirstWeekRule(one.good_days, one.is_read) for tier, one in text.first_week.items()
    }
    return AfterPolicy(
        text.activations.roll_back_from if text.activations else base.roll_back_from,
        dict(base.first_week) | weeks,
        text.reviews.first_days or base.review_first_days,
        text.reviews.every_days or base.review_every_days,
        text.reviews.done_within_days or base.review_within_days,
        replace(base.targets, **text.targets.model_dump(exclude_none=True, exclude={"reason"})),
    )


def after_problems(text: AfterText, base: AfterPolicy) -> dict[str, list[str]]:
    """Return what a workspace asks less of than the shipped policy does, without saying why."""
    errors: dict[str, list[str]] = {}
    found = after_of(text, base)
    for tier, one in text.first_week.items():
        if found.week_of(tier).asks_less_than(base.week_of(tier)) and not one.reason:
            errors[f"after.first_week.{tier}"] = [
                "This ends the first week sooner than the shipped policy. Say why, under reason."
            ]
    if found.reviews_seldomer_than(base) and not text.reviews.reason:
        errors["after.reviews"] = ["This is seldomer than the shipped policy says. Say why, under reason."]
    if found.targets_looser_than(base) and not text.targets.reason:
        errors["after.targets"] = ["This is looser than the shipped policy. Say why, under reason."]
    return errors
