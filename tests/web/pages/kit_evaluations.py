"""Datasets, evaluators and evaluations for pages, put into their states row by row, as the engine would leave them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.evaluations.actions import (
    NewExample,
    add_evaluator,
    add_examples,
    add_run_as_example,
    create_dataset,
    request_evaluation,
)
from signoff.evaluations.verdict import Pair, decide
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.tables.evaluations import Evaluation, EvaluationResult, Example
from signoff.tables.runs import Run

AGENT = "supplier-mail"
# What is asked, what is right, whether it is critical, and what both sides score.
CASES: list[tuple[str, dict[str, Any], bool, float, float]] = [
    ("m-17", {"action": "posted", "total": 1240.5}, True, 0.0, 1.0),
    ("m-18", {"action": "flagged", "reason": "Line 2 differs by 4 percent."}, True, 1.0, 1.0),
    ("m-19", {"action": "posted", "total": 88}, False, 1.0, 0.5),
    ("m-20", {"action": "ignored"}, False, 1.0, 1.0),
    ("m-21", {"action": "posted", "total": 17}, False, 0.5, 1.0),
]


@dataclass(frozen=True)
class Evaluated:
    """A dataset with examples, and an evaluation on it."""

    dataset_id: str
    evaluation_id: str
    example_ids: list[str]


def with_dataset(session: Session, owner: Principal, *, agent: str = AGENT, is_golden: bool = True) -> str:
    """Make a dataset with five examples; return its id."""
    made = create_dataset(
        session, owner, agent, name="Bills that were hard", description="What the desk got wrong in spring.",
        is_golden=is_golden,
    )  # fmt: skip
    new = [
        NewExample({"message_id": asked}, right, is_critical, "holdout" if asked == "m-20" else "dev", ("spring",))
        for asked, right, is_critical, _, _ in CASES
    ]
    add_examples(session, owner, made, new)
    return made


def with_evaluators(session: Session, owner: Principal, agent: str = AGENT) -> None:
    """Add three evaluators."""
    for name, kind, settings, weight in (
        ("Right action", "field", {"path": "action"}, "3"),
        ("Total", "field", {"path": "total", "within": 0.01}, "1"),
        ("Calls", "calls", {"calls": [{"tool": "post_bill"}], "never": ["pay"]}, "1"),
    ):
        add_evaluator(session, owner, agent, name=name, kind=kind, settings=settings, weight=Decimal(weight))


def asked(session: Session, owner: Principal, dataset_id: str, *, revision: str | int | None = None) -> str:
    """Ask for an evaluation of the newest revision; return its id."""
    return request_evaluation(session, owner, AGENT, dataset_id, revision=revision)


def completed(
    session: Session, evaluation_id: str, cases: list[tuple[str, dict[str, Any], bool, float, float]]
) -> None:
    """End an evaluation with what `cases` scored."""
    row = session.get_one(Evaluation, evaluation_id)
    examples = session.scalars(select(Example).where(Example.dataset_id == row.dataset_id).order_by(Example.id)).all()
    run_ids = iter(session.scalars(select(Run.id).where(Run.agent_id == row.agent_id).limit(20)).all())
    pairs: list[Pair] = []
    for example, case in zip(examples, cases, strict=True):
        for side, score in (("candidate", case[3]), ("baseline", case[4])):
            right = case[1] if score == 1.0 else {"action": "ignored", "why": "It reads like an advertisement."}
            session.add(
                EvaluationResult(
                    evaluation_id=row.id, example_id=example.id, side=side, workspace_id=row.workspace_id,
                    state="scored", run_id=next(run_ids, None), outcome="completed", output=right, score=score,
                    scores=[_mark("Right action", 0.6, score), _mark("Total", 0.4, score)],
                    cost_usd=Decimal("0.012"), seconds=4.2, ended_at=clock.now(),
                )
            )  # fmt: skip
        pairs.append(Pair(example.id, case[2], case[3], case[4]))
    found = decide(pairs)
    scores = {"candidate": [one[3] for one in cases], "baseline": [one[4] for one in cases]}
    summary = {side: _spread(values) for side, values in scores.items()}
    row.state, row.verdict, row.score, row.baseline_score = (
        "completed",
        found.verdict,
        found.score,
        found.baseline_score,
    )
    row.reasons, row.warnings, row.critical_lost = list(found.reasons), list(found.warnings), list(found.critical_lost)
    row.summary = {**summary, "better": found.better, "same": found.same, "worse": found.worse}
    row.cost_usd, row.baseline_cost_usd = Decimal("0.06"), Decimal("0.055")
    row.p50_seconds, row.baseline_p50_seconds = 4.2, 3.9
    row.started_at, row.ended_at = clock.now() - timedelta(minutes=3), clock.now()
    session.flush()


def evaluated(session: Session, owner: Principal, *, cases: Any = None) -> Evaluated:
    """Make all of it: a dataset, evaluators, and an evaluation in which a critical example was lost."""
    dataset_id = with_dataset(session, owner)
    with_evaluators(session, owner)
    evaluation_id = asked(session, owner, dataset_id, revision=1)
    completed(session, evaluation_id, cases or CASES)
    ids = session.scalars(select(Example.id).where(Example.dataset_id == dataset_id).order_by(Example.id)).all()
    return Evaluated(dataset_id, evaluation_id, list(ids))


def a_run(session: Session, state: str = "completed") -> Run:
    """Return the newest run of the agent that ended so."""
    found = session.scalars(
        select(Run).where(Run.agent_slug == AGENT, Run.state == state).order_by(Run.id.desc())
    ).first()
    assert found is not None
    return found


def running(session: Session, evaluation_id: str) -> None:
    """Let an evaluation be under way, one example done."""
    session.execute(update(Evaluation).where(Evaluation.id == evaluation_id).values(state="running"))


def from_run(session: Session, owner: Principal, dataset_id: str) -> str:
    """Add a run as an example; return its id."""
    return add_run_as_example(session, owner, dataset_id, a_run(session).id)


def _mark(name: str, share: float, score: float) -> dict[str, Any]:
    reason = f"`{name}` is as expected." if score == 1.0 else 'Expected "posted", got "ignored".'
    return {"evaluator": name, "name": name, "kind": "field", "share": share, "score": score, "reason": reason}


def _spread(values: list[float]) -> dict[str, Any]:
    tenths = [sum(min(int(value * 10), 9) == at for value in values) for at in range(10)]
    mean = sum(values) / len(values)
    return {"scored": len(values), "left_out": 0, "tenths": tenths, "means": {"Right action": mean, "Total": mean}}
