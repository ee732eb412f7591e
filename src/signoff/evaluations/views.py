"""What is told of datasets, examples, evaluators and evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from signoff.evaluations.states import EvaluationState, Every, ResultState, Split, Trigger
from signoff.evaluations.verdict import Outcome, Promotable


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """When a dataset is evaluated by itself.

    Args:
        every: `day` or `week`, at `at_hour` of the workspace's time zone; None: not by the clock.
        is_of_each_revision: each revision, as soon as it is frozen.
        environment: the slug of where the baseline serves.
        cap_usd: what one such evaluation may cost.
    """

    every: Every | None
    at_hour: int
    is_of_each_revision: bool
    environment: str
    cap_usd: Decimal
    next_at: datetime | None
    set_by_name: str


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A dataset, as far as a list shows it.

    Args:
        version: rises by one with each change of the examples; 0: it never had any.
        examples, critical, holdout: how many there are now.
        tolerance: how far a mean score may lie below the one it is compared with.
        schedule: None: it is evaluated only when somebody asks.
    """

    id: str
    agent_id: str
    agent_slug: str
    slug: str
    name: str
    description: str
    is_golden: bool
    version: int
    examples: int
    critical: int
    holdout: int
    tolerance: float
    schedule: ScheduleFacts | None
    made_by_name: str
    made_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExampleFacts:
    """An example whole.

    Args:
        expected: None: nothing exact is expected.
        replaces: the example in whose place it came.
        added_in, removed_in: the versions of the dataset with which it came and went.
    """

    id: str
    title: str
    input: Any
    expected: Any
    is_critical: bool
    split: Split
    tags: list[str]
    note: str
    from_run_id: str | None
    replaces: str | None
    added_in: int
    removed_in: int | None
    added_by_name: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class EvaluatorFacts:
    """One way to score. `share`: its part of the whole among those that are on, from 0 to 1."""

    id: str
    name: str
    kind: str
    settings: dict[str, Any]
    weight: Decimal
    share: float
    is_enabled: bool
    made_by_name: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class EvaluationFacts:
    """An evaluation, as far as a list shows it.

    Args:
        revision_number: None where a draft was tried; `draft_version` says which text.
        baseline_number: of what served when it was asked for; None: nothing did.
        is_of_what_serves: it measured what serves again; there is no other side.
        baseline_from: the evaluation whose results of the baseline hold here, too.
        examples, done: how many there are, and of how many all is known.
        cost_usd, baseline_cost_usd: of the runs of each side, also of those that were taken over.
        reasons, warnings: what it came to, in words; what to keep in mind.
        reason: why it failed or was called off.
    """

    id: str
    agent_id: str
    agent_slug: str
    dataset_id: str
    dataset_name: str
    dataset_version: int
    is_golden: bool
    environment: str
    revision_id: str
    revision_number: int | None
    draft_version: int | None
    baseline_revision_id: str | None
    baseline_number: int | None
    is_of_what_serves: bool
    baseline_from: str | None
    state: EvaluationState
    code: str | None
    reason: str | None
    trigger: Trigger
    examples: int
    done: int
    score: float | None
    baseline_score: float | None
    critical_lost: list[str]
    verdict: Promotable | None
    reasons: list[str]
    warnings: list[str]
    cost_usd: Decimal
    baseline_cost_usd: Decimal
    p50_seconds: float | None
    baseline_p50_seconds: float | None
    cap_usd: Decimal
    requested_by_name: str
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Spread:
    """The scores of one side.

    Args:
        tenths: how many scores lie in each tenth, from 0.0–0.1 to 0.9–1.0.
        means: evaluator → its mean; None where it had nothing to say.
    """

    scored: int
    left_out: int
    tenths: list[int]
    means: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class EvaluationDetail:
    """An evaluation whole. `better`, `same`, `worse`: of the examples that both sides were scored on."""

    facts: EvaluationFacts
    evaluators: list[dict[str, Any]]
    tolerance: float
    candidate: Spread
    baseline: Spread
    better: int
    same: int
    worse: int
    can_cancel: bool


@dataclass(frozen=True, slots=True)
class SideResult:
    """What one side came to on one example.

    Args:
        outcome: how its run ended.
        scores: by evaluator: `name`, `kind`, `share`, `score` and `reason`.
        reason: why it was left out, or why its run did not complete.
    """

    state: ResultState
    run_id: str | None
    outcome: str | None
    output: Any
    score: float | None
    scores: list[dict[str, Any]]
    reason: str | None
    cost_usd: Decimal
    seconds: float | None


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """One example of an evaluation, and both sides of it. `verdict`: how the candidate did beside what serves."""

    example_id: str
    title: str
    input: Any
    expected: Any
    is_critical: bool
    is_lost: bool
    split: Split
    verdict: Outcome | None
    candidate: SideResult
    baseline: SideResult | None
