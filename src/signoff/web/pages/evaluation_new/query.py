"""What the form of an evaluation shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.agents.queries import revisions_page
from signoff.evaluations.limits import CAP_USD
from signoff.evaluations.queries import datasets_of, evaluators_of
from signoff.evaluations.verdict import FEW_EXAMPLES
from signoff.evaluations.views import DatasetFacts
from signoff.people.access import Principal
from signoff.people.queries import environments
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.forms import Form

REVISIONS_OFFERED = 50
# What the form sends for "whatever serves there", and for the text that is being written.
SERVED, DRAFT = "served", "draft"


@dataclass(frozen=True, slots=True)
class NewEvaluationView:
    """The form."""

    head: AgentHead
    datasets: Sequence[DatasetFacts]
    revisions: Sequence[tuple[str, str]]
    places: Sequence[tuple[str, str]]
    form: Form
    evaluators: int
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Return the datasets as a choice."""
        return [
            (one.id, f"{one.name} ({_count(one.examples)}{', golden' if one.is_golden else ''})")
            for one in self.datasets
        ]

    @property
    def serving(self) -> list[tuple[str, str]]:
        """Return what serves where, as pairs for a list."""
        lives = {one.environment: f"revision {one.revision_number}" for one in self.head.live}
        return [(f"Serves {name}", lives.get(slug, "nothing")) for slug, name in self.places]

    @property
    def usual_cap(self) -> str:
        """Return what an evaluation may cost where nothing is said."""
        return f"{CAP_USD.normalize():f}"

    @property
    def few(self) -> int:
        """Return below how many examples a mean says little."""
        return FEW_EXAMPLES


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    form: Form,
    *,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> NewEvaluationView:
    """Return the form, with what an address or a refused form has chosen.

    Raises:
        NotFound: there is no such agent here.
    """
    head = agent_head(session, viewer, slug, "evaluations")
    datasets = [one for one in datasets_of(session, viewer, head.agent.id) if one.examples]
    page = revisions_page(session, viewer, head.agent.id, size=REVISIONS_OFFERED)
    revisions = [(str(one.number), _revision(one.number, one.name, one.reason)) for one in page.rows if not one.retired]
    return NewEvaluationView(
        head=head,
        datasets=datasets,
        revisions=[
            *revisions,
            *([(DRAFT, "The draft, as it is at this moment")] if head.may_edit else []),
            (SERVED, "What serves there, measured again"),
        ],
        places=[(place.slug, place.name) for place in environments(session, viewer)],
        form=form,
        evaluators=sum(one.is_enabled for one in evaluators_of(session, viewer, head.agent.id)),
        problem=problem,
        errors=errors or {},
    )


def _revision(number: int, name: str, reason: str) -> str:
    about = name or reason
    return f"Revision {number}: {about[:80]}" if about else f"Revision {number}"


def _count(number: int) -> str:
    return "1 example" if number == 1 else f"{number} examples"
