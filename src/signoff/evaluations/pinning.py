"""What an evaluation keeps of how it scores: the evaluators as they were when it was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.evaluations.limits import EVALUATORS_MAX
from signoff.evaluations.scoring import Evaluator as Scoring
from signoff.kit.canonical import content_hash
from signoff.tables.evaluations import Evaluator


def pinned_evaluators(session: Session, agent_id: str) -> list[dict[str, Any]]:
    """Return an agent's evaluators that are switched on, as plain JSON; none: the default of the scoring."""
    rows = session.scalars(
        select(Evaluator)
        .where(Evaluator.agent_id == agent_id, Evaluator.is_enabled.is_(True))
        .order_by(Evaluator.id)
        .limit(EVALUATORS_MAX)
    )
    return [
        {"id": row.id, "name": row.name, "kind": row.kind, "settings": row.settings, "weight": str(row.weight)}
        for row in rows
    ]


def hash_of(pinned: Sequence[Mapping[str, Any]]) -> str:
    """Return what tells equal evaluators from others; what they are called does not matter."""
    return content_hash([{name: each[name] for name in ("id", "kind", "settings", "weight")} for each in pinned])


def evaluators_in(pinned: Sequence[Mapping[str, Any]]) -> list[Scoring]:
    """Return pinned evaluators as they score."""
    return [
        Scoring(each["id"], each["name"], each["kind"], each["settings"], Decimal(each["weight"])) for each in pinned
    ]
