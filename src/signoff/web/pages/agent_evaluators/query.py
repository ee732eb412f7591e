"""What the page of an agent's evaluators shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.evaluations.limits import EVALUATORS_MAX
from signoff.evaluations.queries import evaluators_of
from signoff.evaluations.scoring import EvaluatorKind
from signoff.evaluations.views import EvaluatorFacts
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.evaluator_form import KINDS, KindWords, errors_of, form_from_settings, kind_of, settings_words
from signoff.web.forms import Form


@dataclass(frozen=True, slots=True)
class Row:
    """One evaluator, its kind and its settings in words."""

    facts: EvaluatorFacts
    kind: KindWords
    words: str


@dataclass(frozen=True, slots=True)
class EvaluatorsView:
    """The page. `kind`: whose form is open; None: none is. `editing`: the evaluator that the form changes."""

    head: AgentHead
    rows: Sequence[Row]
    kind: EvaluatorKind | None
    editing: EvaluatorFacts | None
    form: Form
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def path(self) -> str:
        """Return the address of the page, below the workspace."""
        return f"{self.head.path}/evaluators"

    @property
    def kinds(self) -> Mapping[EvaluatorKind, KindWords]:
        """Return every kind."""
        return KINDS

    @property
    def words(self) -> KindWords | None:
        """Return the words of the kind whose form is open."""
        return KINDS[self.kind] if self.kind else None

    @property
    def is_full(self) -> bool:
        """Return whether there are as many as there may be."""
        return len(self.rows) >= EVALUATORS_MAX

    def wrong(self, name: str) -> Sequence[str]:
        """Return what is wrong with one setting."""
        return errors_of(self.errors, name)


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    kind: str = "",
    evaluator: str = "",
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> EvaluatorsView:
    """Return the view.

    Raises:
        NotFound: there is no such agent here, or it has no such evaluator.
    """
    head = agent_head(session, viewer, slug, "evaluations")
    found = evaluators_of(session, viewer, head.agent.id)
    editing = next((one for one in found if one.id == evaluator), None)
    if evaluator and editing is None:
        raise NotFound("This agent has no such evaluator.")
    chosen = kind_of(editing.kind) if editing else kind_of(kind) if kind in KINDS else None
    return EvaluatorsView(
        head=head,
        rows=[Row(one, KINDS[kind_of(one.kind)], settings_words(one.kind, one.settings)) for one in found],
        kind=chosen,
        editing=editing,
        form=form or _first(chosen, editing),
        problem=problem,
        errors=errors or {},
    )


def _first(kind: EvaluatorKind | None, editing: EvaluatorFacts | None) -> Form:
    if kind is None:
        return Form()
    settings = form_from_settings(kind, editing.settings if editing else {})
    name = editing.name if editing else KINDS[kind].title
    weight = f"{editing.weight.normalize():f}" if editing else "1"
    return Form({**settings.values, "name": (name,), "weight": (weight,)})
