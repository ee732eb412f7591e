"""What the page of an agent's evaluations shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.evaluations.queries import datasets_of, evaluators_of
from signoff.evaluations.results import evaluations_page, latest_of_datasets
from signoff.evaluations.views import DatasetFacts, EvaluationFacts, EvaluatorFacts
from signoff.people.access import Principal
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.evaluation_words import schedule_words
from signoff.web.evaluator_form import KINDS, kind_of
from signoff.web.forms import Form

ROWS = 15


@dataclass(frozen=True, slots=True)
class DatasetLine:
    """A dataset, and what its newest completed evaluation came to."""

    facts: DatasetFacts
    last: EvaluationFacts | None
    schedule: str


@dataclass(frozen=True, slots=True)
class EvaluationsView:
    """The page. Addresses lie below the workspace."""

    head: AgentHead
    datasets: Sequence[DatasetLine]
    evaluators: Sequence[EvaluatorFacts]
    rows: Sequence[EvaluationFacts]
    newer: str
    older: str
    form: Form
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def is_open(self) -> bool:
        """Return whether something on the page is under way."""
        return any(one.state in ("pending", "running") for one in self.rows)

    @property
    def has_examples(self) -> bool:
        """Return whether there is anything to evaluate on."""
        return any(one.facts.examples for one in self.datasets)

    def kind_words(self, kind: str) -> str:
        """Return what a kind of evaluator is called."""
        return KINDS[kind_of(kind)].title


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    cursor: str = "",
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> EvaluationsView:
    """Return the view; `form` and `errors` are those of a dataset that was refused.

    Raises:
        NotFound: there is no such agent here.
    """
    head = agent_head(session, viewer, slug, "evaluations")
    last = latest_of_datasets(session, viewer, head.agent.id)
    page = evaluations_page(session, viewer, agent=head.agent.id, cursor=cursor or None, size=ROWS)
    path = f"{head.path}/evaluations?cursor="
    return EvaluationsView(
        head=head,
        datasets=[
            DatasetLine(one, last.get(one.id), schedule_words(one.schedule))
            for one in datasets_of(session, viewer, head.agent.id)
        ],
        evaluators=[one for one in evaluators_of(session, viewer, head.agent.id) if one.is_enabled],
        rows=page.rows,
        newer=path + page.previous_cursor if page.previous_cursor else "",
        older=path + page.next_cursor if page.next_cursor else "",
        form=form or Form(),
        problem=problem,
        errors=errors or {},
    )
