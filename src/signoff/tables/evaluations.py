"""How good an agent is: datasets of examples, evaluators, evaluations and what each example came to."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Long, Moment, Name, Slug, State, Usd


class Dataset(Base):
    """Examples of what an agent is asked and should answer. `version` rises by one with each change of them."""

    __tablename__ = "datasets"
    __table_args__ = (
        UniqueConstraint("agent_id", "slug"),
        Index(None, "workspace_id", "id"),
        Index(None, "agent_id", "id"),
        Index(None, "next_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    slug: Mapped[str] = mapped_column(Slug)
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Long, default="")
    # A golden dataset is what the gate asks for.
    is_golden: Mapped[bool]
    version: Mapped[int] = mapped_column(default=0)
    # How far the mean score may lie below that of what serves, or of the measurement before.
    tolerance: Mapped[float] = mapped_column(Float)
    # Asked by itself: day | week, at an hour of the workspace's time zone, of what serves there; null: never.
    every: Mapped[str | None] = mapped_column(State)
    at_hour: Mapped[int] = mapped_column(default=3)
    # Also of each revision, as soon as it is frozen.
    is_of_each_revision: Mapped[bool] = mapped_column(default=False)
    scheduled_in: Mapped[str | None] = mapped_column(ForeignKey("environments.id"))
    scheduled_usd: Mapped[Decimal | None] = mapped_column(Usd)
    scheduled_by: Mapped[str | None] = mapped_column(Id)
    scheduled_by_name: Mapped[str | None] = mapped_column(Name)
    next_at: Mapped[datetime | None] = mapped_column(Moment)
    # Up to which of the agent's revisions it was evaluated by itself.
    revision_seen: Mapped[int] = mapped_column(default=0)
    made_by: Mapped[str] = mapped_column(Id)
    made_by_name: Mapped[str] = mapped_column(Name)
    made_at: Mapped[datetime] = mapped_column(Moment)
    archived_at: Mapped[datetime | None] = mapped_column(Moment)


class Example(Base):
    """One input and what should come of it. Never changed: an edit takes it out and puts another in its place, so that
    every version of a dataset can be told again."""

    __tablename__ = "examples"
    __table_args__ = (
        # Set while it is present, null once it was taken out: a run is in a dataset once.
        UniqueConstraint("present_run"),
        Index(None, "dataset_id", "id"),
        Index(None, "dataset_id", "removed_in", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    title: Mapped[str] = mapped_column(Name)
    input: Mapped[Any] = mapped_column(Json)
    # Null: nothing exact is expected; other evaluators say how good an answer is.
    expected: Mapped[Any] = mapped_column(Json)
    is_critical: Mapped[bool]
    # dev | holdout
    split: Mapped[str] = mapped_column(State)
    tags: Mapped[list[Any]] = mapped_column(Json, default=list)
    note: Mapped[str] = mapped_column(Long, default="")
    from_run_id: Mapped[str | None] = mapped_column(Id)
    # `dataset:run`, see above.
    present_run: Mapped[str | None] = mapped_column(Name)
    replaces: Mapped[str | None] = mapped_column(Id)
    # The versions of the dataset in which it came and went.
    added_in: Mapped[int]
    removed_in: Mapped[int | None]
    added_by: Mapped[str] = mapped_column(Id)
    added_by_name: Mapped[str] = mapped_column(Name)
    added_at: Mapped[datetime] = mapped_column(Moment)


class Evaluator(Base):
    """One way to say how good an agent's answers are, from 0 to 1. Of the weights only the ratios count."""

    __tablename__ = "evaluators"
    __table_args__ = (UniqueConstraint("agent_id", "name"), Index(None, "agent_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(State)
    settings: Mapped[dict[str, Any]] = mapped_column(Json)
    weight: Mapped[float] = mapped_column(Float)
    is_enabled: Mapped[bool]
    made_by: Mapped[str] = mapped_column(Id)
    made_by_name: Mapped[str] = mapped_column(Name)
    made_at: Mapped[datetime] = mapped_column(Moment)


class Evaluation(Base):
    """One revision tried on one version of a dataset, beside what served when it was asked for."""

    __tablename__ = "evaluations"
    __table_args__ = (
        Index(None, "workspace_id", "id"),
        Index(None, "agent_id", "id"),
        Index(None, "dataset_id", "id"),
        Index(None, "revision_id", "environment_id", "state", "id"),
        Index(None, "baseline_revision_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    dataset_version: Mapped[int]
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"))
    # Which version of the draft `revision_id` holds; null: it is a revision.
    draft_version: Mapped[int | None]
    # What served when it was asked for; null: nothing did. The same as `revision_id`: what serves is measured again.
    baseline_revision_id: Mapped[str | None] = mapped_column(ForeignKey("revisions.id"))
    # The evaluation whose results of the baseline hold here, too, because nothing has changed since.
    baseline_from: Mapped[str | None] = mapped_column(Id)
    # As they were when it was asked for: `{name, kind, settings, weight}` each; and what tells equal ones.
    evaluators: Mapped[list[Any]] = mapped_column(Json)
    evaluators_hash: Mapped[str] = mapped_column(Hash)
    tolerance: Mapped[float] = mapped_column(Float)

    # pending → running → completed | failed | cancelled
    state: Mapped[str] = mapped_column(State)
    code: Mapped[str | None] = mapped_column(Name)
    reason: Mapped[str | None] = mapped_column(Long)
    # by_hand | schedule | revision
    trigger: Mapped[str] = mapped_column(State)
    examples: Mapped[int]
    score: Mapped[float | None] = mapped_column(Float)
    baseline_score: Mapped[float | None] = mapped_column(Float)
    # The critical examples that the candidate does worse.
    critical_lost: Mapped[list[Any]] = mapped_column(Json, default=list)
    # promotable | not_promotable
    verdict: Mapped[str | None] = mapped_column(State)
    reasons: Mapped[list[Any]] = mapped_column(Json, default=list)
    warnings: Mapped[list[Any]] = mapped_column(Json, default=list)
    # How the scores are spread and what each evaluator said on average, by side.
    summary: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # The mean per run is `cost / runs`; what was taken over from before is not spent again.
    cost_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))
    baseline_cost_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))
    p50_seconds: Mapped[float | None] = mapped_column(Float)
    baseline_p50_seconds: Mapped[float | None] = mapped_column(Float)
    cap_usd: Mapped[Decimal] = mapped_column(Usd)

    requested_by: Mapped[str] = mapped_column(Id)
    requested_by_name: Mapped[str] = mapped_column(Name)
    requested_with: Mapped[str | None] = mapped_column(Id)
    requested_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_by_name: Mapped[str | None] = mapped_column(Name)


class EvaluationResult(Base):
    """What one example came to, by the candidate or by the baseline."""

    __tablename__ = "evaluation_results"
    __table_args__ = (Index(None, "evaluation_id", "state", "example_id"),)

    evaluation_id: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    example_id: Mapped[str] = mapped_column(ForeignKey("examples.id"), primary_key=True)
    # candidate | baseline
    side: Mapped[str] = mapped_column(State, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # pending → running → (judging →) scored, or left_out with its reason.
    state: Mapped[str] = mapped_column(State)
    run_id: Mapped[str | None] = mapped_column(Id)
    # As its run ended; of a result that was taken over, as that run ended then.
    outcome: Mapped[str | None] = mapped_column(State)
    output: Mapped[Any] = mapped_column(Json)
    reason: Mapped[str | None] = mapped_column(Long)
    score: Mapped[float | None] = mapped_column(Float)
    # By evaluator: `{name, kind, score, reason}` each.
    scores: Mapped[list[Any]] = mapped_column(Json, default=list)
    # What agents that judge said of it: evaluator → `{run, score, reason}`; null while one is at it.
    judged: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    cost_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))
    seconds: Mapped[float | None] = mapped_column(Float)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
