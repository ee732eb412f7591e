"""What the page of an evaluation shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.evaluations.results import evaluation, results_page
from signoff.evaluations.states import is_over
from signoff.evaluations.verdict import Outcome
from signoff.evaluations.views import EvaluationDetail, EvaluationFacts, ResultFacts, SideResult, Spread
from signoff.people.access import Principal, can
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.evaluation_words import TRIGGERS, value_text
from signoff.web.filters import duration, money

ROWS = 20
LOST_SHOWN = 20
_SHOWN_CHARS = 2_000
_OUTCOMES: dict[str, Outcome] = {"better": "better", "same": "same", "worse": "worse"}
VIEWS = {"": "All", "worse": "Worse", "better": "Better", "same": "The same", "critical": "Critical"}


@dataclass(frozen=True, slots=True)
class Side:
    """What one side came to on one example, as it is drawn. `is_open`: not all is known yet."""

    title: str
    facts: SideResult
    text: str
    is_open: bool
    about: str


@dataclass(frozen=True, slots=True)
class Row:
    """One example with both sides; without a baseline with one."""

    facts: ResultFacts
    input: str
    expected: str
    sides: Sequence[Side]


@dataclass(frozen=True, slots=True)
class Mean:
    """What one evaluator said on average, of each side."""

    name: str
    candidate: float | None
    baseline: float | None


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """The page. `may_read`: the viewer may see what was asked and answered."""

    head: AgentHead
    detail: EvaluationDetail
    view: str
    may_read: bool
    lost: Sequence[Row]
    rows: Sequence[Row]
    newer: str
    older: str
    means: Sequence[Mean]
    problem: str = ""

    @property
    def facts(self) -> EvaluationFacts:
        """Return the facts."""
        return self.detail.facts

    @property
    def path(self) -> str:
        """Return the address, below the workspace."""
        return f"/evaluations/{self.facts.id}"

    @property
    def here(self) -> str:
        """Return the address of what is on screen."""
        return f"{self.path}?view={self.view}" if self.view else self.path

    @property
    def is_open(self) -> bool:
        """Return whether it goes on by itself."""
        return not is_over(self.facts.state)

    @property
    def has_other_side(self) -> bool:
        """Return whether something serves to compare with."""
        return self.facts.baseline_revision_id is not None and not self.facts.is_of_what_serves

    @property
    def trigger(self) -> str:
        """Return why it was begun."""
        return TRIGGERS[self.facts.trigger]

    @property
    def revision_path(self) -> str:
        """Return where what was tried is shown; nothing for a draft."""
        number = self.facts.revision_number
        return f"{self.head.path}/revisions/{number}" if number is not None else ""

    @property
    def release_path(self) -> str:
        """Return where it is shipped, where that is the next thing to do."""
        done = self.facts.state == "completed" and self.facts.verdict == "promotable"
        if not (done and self.head.may_deploy and self.revision_path and not self.facts.is_of_what_serves):
            return ""
        return f"{self.revision_path}/release?environment={self.facts.environment}"

    @property
    def again_path(self) -> str:
        """Return the form that asks for the same once more; nothing where the viewer may not."""
        if not self.head.may_evaluate or self.is_open or self.facts.revision_number is None:
            return ""
        asked = {"dataset": self.facts.dataset_id, "environment": self.facts.environment}
        revision = "served" if self.facts.is_of_what_serves else str(self.facts.revision_number)
        return f"{self.head.path}/evaluate?{urlencode({**asked, 'revision': revision})}"

    @property
    def costs(self) -> tuple[str, str]:
        """Return what a run of each side cost on average."""
        return (
            _each(self.facts.cost_usd, self.detail.candidate),
            _each(self.facts.baseline_cost_usd, self.detail.baseline),
        )

    @property
    def lasts(self) -> tuple[str, str]:
        """Return how long half of the runs of each side took at most."""
        return _length(self.facts.p50_seconds), _length(self.facts.baseline_p50_seconds)

    @property
    def tenths(self) -> list[dict[str, Any]]:
        """Return how the scores of both sides are spread."""
        mine, other = self.detail.candidate.tenths, self.detail.baseline.tenths
        return [
            {"start": f"{at / 10:.1f} to {(at + 1) / 10:.1f}", "candidate": mine[at], "baseline": other[at]}
            for at in range(10)
        ]

    @property
    def spread(self) -> list[list[Any]]:
        """Return the same as rows of a table."""
        sides = ("start", "candidate", "baseline") if self.has_other_side else ("start", "candidate")
        return [[one[side] for side in sides] for one in self.tenths]

    @property
    def tabs(self) -> list[tuple[str, str, bool, int]]:
        """Return the views of the examples: address, words, whether it is on screen, how many."""
        found = self.detail
        counts = {"": found.facts.examples, "worse": found.worse, "better": found.better, "same": found.same}
        return [
            (f"{self.path}?view={key}" if key else self.path, words, key == self.view, counts.get(key, 0))
            for key, words in VIEWS.items()
            if self.has_other_side or key in ("", "critical")
        ]


def load(
    session: Session, viewer: Principal, evaluation_id: str, *, view: str = "", cursor: str = "", problem: str = ""
) -> EvaluationView:
    """Return the view.

    Raises:
        NotFound: there is no such evaluation here.
    """
    detail = evaluation(session, viewer, evaluation_id)
    facts = detail.facts
    head = agent_head(session, viewer, facts.agent_slug, "evaluations")
    chosen = view if view in VIEWS else ""
    owners = tuple(person.member_id for person in (head.agent.owner, head.agent.backup) if person) or (None,)
    may_read = can(viewer, "run.read", owners=owners, agent_id=head.agent.id)
    lost: Sequence[ResultFacts] = ()
    rows: Sequence[ResultFacts] = ()
    before = after = None
    if may_read:
        page = results_page(
            session, viewer, evaluation_id, verdict=_OUTCOMES.get(chosen),
            is_critical=True if chosen == "critical" else None, cursor=cursor or None, size=ROWS,
        )  # fmt: skip
        rows, before, after = page.rows, page.previous_cursor, page.next_cursor
        if facts.critical_lost and not chosen and not cursor:
            lost = results_page(session, viewer, evaluation_id, is_lost=True, size=LOST_SHOWN).rows
    shown = {one.example_id for one in lost}
    return EvaluationView(
        head=head,
        detail=detail,
        view=chosen,
        may_read=may_read,
        lost=[_row(one, facts) for one in lost],
        rows=[_row(one, facts) for one in rows if one.example_id not in shown],
        newer=_page(facts.id, chosen, before),
        older=_page(facts.id, chosen, after),
        means=_means(detail),
        problem=problem,
    )


def _means(detail: EvaluationDetail) -> list[Mean]:
    mine, other = detail.candidate.means, detail.baseline.means
    return [Mean(name, mine.get(name), other.get(name)) for name in dict.fromkeys([*mine, *other])]


def _row(one: ResultFacts, facts: EvaluationFacts) -> Row:
    number = facts.revision_number
    sides = [_side(f"Revision {number}" if number is not None else "The draft", one.candidate)]
    if one.baseline is not None:
        sides.append(_side(f"What serves: revision {facts.baseline_number}", one.baseline))
    expected = "" if one.expected is None else value_text(one.expected, _SHOWN_CHARS)
    return Row(one, value_text(one.input, _SHOWN_CHARS), expected, sides)


def _side(title: str, one: SideResult) -> Side:
    is_open = one.state in ("pending", "running", "judging")
    text = "" if one.output is None else value_text(one.output, _SHOWN_CHARS)
    told = [] if is_open else [money(one.cost_usd), _length(one.seconds)]
    return Side(title, one, text, is_open, ", ".join(told))


def _each(whole: Decimal, spread: Spread) -> str:
    return money(whole / spread.scored) if spread.scored else "–"


def _length(seconds: float | None) -> str:
    return duration(seconds * 1000 if seconds is not None else None)


def _page(evaluation_id: str, view: str, cursor: str | None) -> str:
    said = {name: value for name, value in {"view": view, "cursor": cursor}.items() if value}
    return f"/evaluations/{evaluation_id}?{urlencode(said)}" if cursor else ""
