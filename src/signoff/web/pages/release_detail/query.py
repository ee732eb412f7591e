"""What the page of one release shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.agents.diff import RevisionDiff, diff
from signoff.agents.queries import revision
from signoff.evaluations.results import latest_of_revision
from signoff.evaluations.views import EvaluationFacts
from signoff.kit.errors import NotFound, Refusal
from signoff.people.access import Principal
from signoff.releases.comparison import Comparison, comparison_of
from signoff.releases.follow_up.queries import follow_up
from signoff.releases.planning import plan_rollback
from signoff.releases.queries import release
from signoff.releases.states import is_open
from signoff.releases.views import ReleaseDetail, RollbackPlan
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.comparison_words import MetricLine, metric_lines, unmeasured_metrics, unseen_metrics
from signoff.web.release_words import Weighed, is_ended_badly, kept_results, way_of, weighed

_SERVES = ("canary", "live", "watching", "settled")


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """The page. `plan`: what going back would do; None: the viewer may not, or it does not serve. `first_week`: how far
    the agent's first week is, in words; empty when it is in none, or this is not what serves."""

    head: AgentHead
    detail: ReleaseDetail
    way: tuple[tuple[str, str], ...]
    weighed: Weighed
    diff: RevisionDiff | None
    plan: RollbackPlan | None
    comparison: Comparison | None
    first_week: str
    evaluation: EvaluationFacts | None
    """What its revision came to on a golden dataset by now, beside what served."""
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def evaluate_path(self) -> str:
        """Return the form that asks for an evaluation of its revision; nothing where there is no need or no right."""
        if not (self.head.may_evaluate and is_open(self.detail.facts.state)):
            return ""
        facts = self.detail.facts
        return f"{self.head.path}/evaluate?revision={facts.revision_number}&environment={facts.environment}"

    @property
    def metric_lines(self) -> list[MetricLine]:
        """Return the rows of the comparison: what something is known of."""
        return metric_lines(self.comparison.metrics) if self.comparison else []

    @property
    def unseen(self) -> str:
        """Return the metrics of which too little was seen, as a list in words."""
        return ", ".join(unseen_metrics(self.comparison.metrics)) if self.comparison else ""

    @property
    def unmeasured(self) -> str:
        """Return the metrics that nobody measured, as a list in words."""
        return ", ".join(unmeasured_metrics(self.comparison.metrics)) if self.comparison else ""

    @property
    def has_shadow(self) -> bool:
        """Return whether its strategy has a shadow, whose pairs one can look at."""
        return bool(self.detail.facts.strategy.get("shadow"))

    @property
    def is_trying(self) -> bool:
        """Return whether its connections are being tried."""
        return any(one.state == "pending" for one in self.detail.activations)

    @property
    def is_open(self) -> bool:
        """Return whether it is still on its way: the page then asks again by itself."""
        return is_open(self.detail.facts.state) or self.is_trying

    @property
    def is_ended_badly(self) -> bool:
        """Return whether it ended without serving, or was taken back."""
        return is_ended_badly(self.detail.facts.state)

    @property
    def signed(self) -> int:
        """Return how many people approved the diff as it is now, and may still deploy there."""
        return sum(one.counts for one in self.detail.signatures)

    @property
    def is_to_sign(self) -> bool:
        """Return whether it waits for signatures: before the gate, or because some do not count any more."""
        facts = self.detail.facts
        lacks = self.signed < self.detail.reviewers_wanted
        return facts.state == "requested" or (facts.held_since is not None and lacks)


def load(session: Session, viewer: Principal, release_id: str, *, problem: str = "") -> ReleaseView:
    """Return the view.

    Raises:
        NotFound: there is no such release here.
    """
    found = release(session, viewer, release_id)
    facts = found.facts
    head = agent_head(session, viewer, facts.agent_id, "releases")
    return ReleaseView(
        head=head,
        detail=found,
        way=tuple(way_of(facts)),
        weighed=weighed(kept_results(found.evidence)),
        diff=_diff(session, viewer, found) if facts.state == "requested" or facts.held_since else None,
        comparison=_comparison(session, viewer, found),
        first_week=_first_week(session, viewer, found),
        evaluation=latest_of_revision(session, facts.revision_id, facts.environment_id),
        plan=_plan(session, viewer, found) if head.may_deploy and facts.state in _SERVES else None,
        problem=problem,
    )


def _diff(session: Session, viewer: Principal, found: ReleaseDetail) -> RevisionDiff | None:
    """Return what somebody signs: from what served when it was asked for, to what is to serve."""
    facts = found.facts
    if facts.previous_revision_id is None:
        return None
    old = revision(session, viewer, facts.agent_id, facts.previous_revision_id)
    return diff(old.body, revision(session, viewer, facts.agent_id, facts.revision_id).body, context=3)


def _comparison(session: Session, viewer: Principal, found: ReleaseDetail) -> Comparison | None:
    """Return what is known of both variants; None: nothing was compared."""
    compared = comparison_of(session, viewer, found.facts.id)
    return compared if compared.since is not None else None


def _first_week(session: Session, viewer: Principal, found: ReleaseDetail) -> str:
    facts = found.facts
    if facts.state not in _SERVES or not facts.is_production:
        return ""
    try:
        followed = follow_up(session, viewer, facts.agent_slug, facts.environment)
    except NotFound:
        return ""  # The engine has not begun with it yet.
    if followed.state != "first_week":
        return ""
    return f"{followed.good_days} of {followed.good_days_wanted} good days in a row, since {followed.counted_from}."


def _plan(session: Session, viewer: Principal, found: ReleaseDetail) -> RollbackPlan | None:
    try:
        plan = plan_rollback(session, viewer, found.facts.agent_id, found.facts.environment_id)
    except Refusal:
        return None
    # Of a release that something newer took the place of there is nothing to take back.
    return plan if plan.from_revision_id == found.facts.revision_id else None
