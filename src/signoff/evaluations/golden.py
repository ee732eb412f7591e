"""What is known of a revision on the golden datasets of its agent, for the items of the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from signoff.evaluations.limits import DATASETS_MAX
from signoff.kit import money
from signoff.tables.evaluations import Dataset, Evaluation, Example


@dataclass(frozen=True, slots=True)
class GoldenFact:
    """A golden dataset with examples, and the newest completed evaluation of one revision on it.

    Args:
        every: `day`, `week` or None; is_of_each_revision: each revision is evaluated by itself.
        version: of the dataset now; the evaluation may be of one before.
        evaluation_id: None, as all that follows: the revision was never evaluated on it here.
        baseline_revision_id: what served when that evaluation was asked for.
        critical_lost: how many critical examples it does worse.
        cost_usd: of all its runs together; examples: of so many.
    """

    dataset_id: str
    name: str
    version: int
    every: str | None
    is_of_each_revision: bool
    evaluation_id: str | None = None
    dataset_version: int | None = None
    baseline_revision_id: str | None = None
    verdict: str | None = None
    reason: str = ""
    score: float | None = None
    baseline_score: float | None = None
    critical_lost: int = 0
    cost_usd: Decimal = money.ZERO
    examples: int = 0
    ended_at: datetime | None = None


def golden_of(session: Session, agent_id: str, revision_id: str, environment_id: str) -> tuple[GoldenFact, ...]:
    """Return the golden datasets of an agent that have examples, each with the newest completed evaluation of a
    revision. For rooms above, which have checked whose they are."""
    newest = (
        select(Evaluation.dataset_id, func.max(Evaluation.id).label("id"))
        .where(
            Evaluation.revision_id == revision_id,
            Evaluation.environment_id == environment_id,
            Evaluation.state == "completed",
        )
        .group_by(Evaluation.dataset_id)
        .subquery()
    )
    is_present = select(Example.id).where(Example.dataset_id == Dataset.id, Example.removed_in.is_(None)).exists()
    rows = session.execute(
        select(Dataset, Evaluation)
        .outerjoin(newest, newest.c.dataset_id == Dataset.id)
        .outerjoin(Evaluation, and_(Evaluation.id == newest.c.id))
        .where(
            Dataset.agent_id == agent_id, Dataset.is_golden.is_(True), Dataset.archived_at.is_(None), is_present
        )
        .order_by(Dataset.id)
        .limit(DATASETS_MAX)
    )  # fmt: skip
    return tuple(_fact(row.Dataset, row.Evaluation) for row in rows)


def cost_evaluated(golden: Sequence[GoldenFact]) -> Decimal | None:
    """Return what the revision cost on each golden example, on average, in dollars; None: it was not evaluated."""
    known = [one for one in golden if one.evaluation_id is not None and one.examples]
    return sum((one.cost_usd for one in known), money.ZERO) / sum(one.examples for one in known) if known else None


def _fact(dataset: Dataset, found: Evaluation | None) -> GoldenFact:
    bare = (dataset.id, dataset.name, dataset.version, dataset.every, dataset.is_of_each_revision)
    if found is None:
        return GoldenFact(*bare)
    return GoldenFact(
        *bare, evaluation_id=found.id, dataset_version=found.dataset_version,
        baseline_revision_id=found.baseline_revision_id, verdict=found.verdict,
        reason=str(found.reasons[0]) if found.reasons else "", score=found.score, baseline_score=found.baseline_score,
        critical_lost=len(found.critical_lost), cost_usd=found.cost_usd, examples=found.examples,
        ended_at=found.ended_at,
    )  # fmt: skip
