"""What the pages of a dataset show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.evaluations.actions import NewExample
from signoff.evaluations.actions.schedule import HOUR
from signoff.evaluations.example_lines import FIELDS, write_line
from signoff.evaluations.limits import CAP_USD, EXAMPLES_MAX
from signoff.evaluations.queries import dataset, example, examples_page
from signoff.evaluations.views import DatasetFacts, ExampleFacts
from signoff.kit.errors import NotFound
from signoff.people.access import Principal, can
from signoff.people.queries import environments
from signoff.tables.session import Store
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.evaluation_words import schedule_words, value_text
from signoff.web.forms import Form, json_text

ROWS = 30
_SHOWN_CHARS = 300
_TEXT_CHARS = 20_000
VIEWS = {"": "All", "critical": "Critical", "holdout": "Holdout"}


@dataclass(frozen=True, slots=True)
class Row:
    """An example as the list shows it: input and expected value, short."""

    facts: ExampleFacts
    input: str
    expected: str


@dataclass(frozen=True, slots=True)
class DatasetView:
    """One page of the examples. `may_read`: the viewer may see what was asked and answered."""

    head: AgentHead
    facts: DatasetFacts
    view: str
    may_read: bool
    rows: Sequence[Row]
    newer: str
    older: str
    places: Sequence[tuple[str, str]]
    form: Form
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    refused: str = ""
    """Which form the errors belong to."""

    @property
    def path(self) -> str:
        """Return the address of the dataset, below the workspace."""
        return f"{self.head.path}/datasets/{self.facts.id}"

    @property
    def may_edit(self) -> bool:
        """Return whether the reader may change what is in it."""
        return self.head.may_curate and self.facts.archived_at is None

    @property
    def may_evaluate(self) -> bool:
        """Return whether the reader may try a revision on it."""
        return self.head.may_evaluate and self.facts.archived_at is None and self.facts.examples > 0

    @property
    def most(self) -> int:
        """Return how many examples there may be."""
        return EXAMPLES_MAX

    @property
    def schedule(self) -> str:
        """Return when it is evaluated by itself, in words."""
        return schedule_words(self.facts.schedule)

    @property
    def may_schedule(self) -> bool:
        """Return whether the reader may have it evaluated by itself."""
        return self.may_edit and self.head.may_evaluate

    @property
    def hours(self) -> list[tuple[str, str]]:
        """Return the hours of a day as a choice."""
        return [(str(hour), f"{hour:02d}:00") for hour in range(24)]

    @property
    def scheduled(self) -> dict[str, str]:
        """Return the schedule as its form shows it; without one, what is usual."""
        kept = self.facts.schedule
        if kept is None:
            usual = next((slug for slug, _ in self.places if slug == "production"), self.places[-1][0])
            return {"every": "", "at_hour": str(HOUR), "each": "", "environment": usual, "cap_usd": f"{CAP_USD}"}
        return {
            "every": kept.every or "", "at_hour": str(kept.at_hour), "each": "yes" if kept.is_of_each_revision else "",
            "environment": kept.environment, "cap_usd": f"{kept.cap_usd.normalize():f}",
        }  # fmt: skip

    @property
    def line_fields(self) -> str:
        """Return what a line may hold."""
        return ", ".join(FIELDS)

    def tabs(self, href: str) -> list[tuple[str, str, bool, int]]:
        """Return the views as tabs."""
        counts = {"": self.facts.examples, "critical": self.facts.critical, "holdout": self.facts.holdout}
        return [
            (f"{href}?view={key}" if key else href, words, key == self.view, counts[key])
            for key, words in VIEWS.items()
        ]  # fmt: skip

    def text(self, form: str, name: str, default: str = "") -> str:
        """Return what was typed into a field, where its form was refused."""
        return self.form.text(name, default) if self.refused == form else default

    def is_on(self, form: str, name: str, default: bool = False) -> bool:
        """Return whether a box is ticked."""
        return self.form.is_on(name) if self.refused == form else default

    def wrong(self, form: str, name: str) -> Sequence[str]:
        """Return what is wrong with a field of a form."""
        return self.errors.get(name, ()) if self.refused == form else ()


@dataclass(frozen=True, slots=True)
class ExampleView:
    """One example whole, and the form that puts a changed one in its place."""

    head: AgentHead
    dataset: DatasetFacts
    facts: ExampleFacts
    input: str
    expected: str
    form: Form
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def path(self) -> str:
        """Return the address of the dataset."""
        return f"{self.head.path}/datasets/{self.dataset.id}"

    @property
    def may_edit(self) -> bool:
        """Return whether the reader may change it."""
        return self.head.may_curate and self.facts.removed_in is None and self.dataset.archived_at is None


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    dataset_id: str,
    *,
    view: str = "",
    cursor: str = "",
    form: Form | None = None,
    refused: str = "",
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> DatasetView:
    """Return one page of a dataset.

    Raises:
        NotFound: there is no such agent here, or it has no such dataset.
    """
    head = agent_head(session, viewer, slug, "evaluations")
    facts = _dataset(session, viewer, head, dataset_id)
    chosen = view if view in VIEWS else ""
    may_read = _may_read(viewer, head)
    rows: Sequence[ExampleFacts] = ()
    before = after = None
    if may_read:
        page = examples_page(
            session, viewer, facts.id, is_critical=True if chosen == "critical" else None,
            split="holdout" if chosen == "holdout" else None, cursor=cursor or None, size=ROWS,
        )  # fmt: skip
        rows, before, after = page.rows, page.previous_cursor, page.next_cursor
    return DatasetView(
        head=head,
        facts=facts,
        view=chosen,
        may_read=may_read,
        rows=[Row(one, value_text(one.input, _SHOWN_CHARS), _expected(one)) for one in rows],
        newer=_page(head, facts, chosen, before),
        older=_page(head, facts, chosen, after),
        places=[(place.slug, place.name) for place in environments(session, viewer)],
        form=form or Form(),
        refused=refused,
        problem=problem,
        errors=errors or {},
    )


def load_example(
    session: Session,
    viewer: Principal,
    slug: str,
    dataset_id: str,
    example_id: str,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> ExampleView:
    """Return one example.

    Raises:
        NotFound, NotAllowed: there is none, or the viewer may not see what the agent is asked.
    """
    head = agent_head(session, viewer, slug, "evaluations")
    facts = _dataset(session, viewer, head, dataset_id)
    found = example(session, viewer, facts.id, example_id)
    return ExampleView(
        head, facts, found, json_text(found.input), "" if found.expected is None else json_text(found.expected),
        form or Form(), problem, errors or {},
    )  # fmt: skip


def lines(store: Store, viewer: Principal, dataset_id: str) -> Iterator[str]:
    """Yield every example of a dataset as a line of JSON, a page at a time."""
    cursor: str | None = None
    while True:
        with store.read() as session:
            page = examples_page(session, viewer, dataset_id, cursor=cursor, size=200)
        for one in page.rows:
            yield write_line(new_of(one)) + "\n"
        cursor = page.next_cursor
        if cursor is None:
            return


def new_of(facts: ExampleFacts) -> NewExample:
    """Return an example as somebody would write it."""
    return NewExample(facts.input, facts.expected, facts.is_critical, facts.split, facts.tags, facts.note)


def _dataset(session: Session, viewer: Principal, head: AgentHead, dataset_id: str) -> DatasetFacts:
    facts = dataset(session, viewer, dataset_id)
    if facts.agent_id != head.agent.id:
        raise NotFound("This agent has no such dataset.")
    return facts


def _may_read(viewer: Principal, head: AgentHead) -> bool:
    owners = tuple(person.member_id for person in (head.agent.owner, head.agent.backup) if person) or (None,)
    return can(viewer, "run.read", owners=owners, agent_id=head.agent.id)


def _expected(one: ExampleFacts) -> str:
    return "" if one.expected is None else value_text(one.expected, _SHOWN_CHARS)


def _page(head: AgentHead, facts: DatasetFacts, view: str, cursor: str | None) -> str:
    said = {name: value for name, value in {"view": view, "cursor": cursor}.items() if value}
    return f"{head.path}/datasets/{facts.id}?{urlencode(said)}" if cursor else ""
