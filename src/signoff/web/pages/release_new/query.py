"""What the page that ships a revision shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.agents.diff import RevisionDiff, diff
from signoff.agents.queries import revision
from signoff.agents.views import RevisionFacts
from signoff.evaluations.results import latest_of_revision
from signoff.evaluations.views import EvaluationFacts
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments
from signoff.releases.policy import POLICY, default_strategy, reviewers_wanted
from signoff.releases.queries import OpenRelease, open_by_agent
from signoff.watch.probes.evaluate import evidence_for
from signoff.watch.probes.evidence import Evidence
from signoff.watch.probes.policies import holding_policy
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.forms import Form
from signoff.web.pages.release_new.form import STEPS, fields_of
from signoff.web.release_words import Weighed, weighed


@dataclass(frozen=True, slots=True)
class NewReleaseView:
    """The page. `live`: what serves there now, None: nothing does. `rival`: a release that is under way there."""

    head: AgentHead
    place: EnvironmentFacts
    places: tuple[EnvironmentFacts, ...]
    target: RevisionFacts
    live: RevisionFacts | None
    rival: OpenRelease | None
    diff: RevisionDiff
    evidence: Evidence
    reviewers: int
    why_tier: str
    evaluation: EvaluationFacts | None
    """What the revision came to on a golden dataset, beside what serves here."""
    form: Form
    steps: int = STEPS
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def weighed(self) -> Weighed:
        """Return the evidence by what it means for the release."""
        return weighed(self.evidence.results)

    @property
    def evaluate_path(self) -> str:
        """Return the form that asks for an evaluation of it; nothing where the reader may not."""
        if not self.head.may_evaluate:
            return ""
        return f"{self.head.path}/evaluate?revision={self.target.number}&environment={self.place.slug}"

    @property
    def before(self) -> str:
        """Return the id of what serves, so that nobody ships over what they have not seen."""
        return self.live.id if self.live else ""

    def errors_below(self, name: str) -> list[str]:
        """Return what is wrong with a part of the strategy."""
        return [text for path, texts in self.errors.items() if path.startswith(f"strategy.{name}") for text in texts]


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    number: str,
    environment: str = "",
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> NewReleaseView:
    """Return the view.

    Raises:
        NotFound: there is no such agent, revision or environment here.
    """
    head = agent_head(session, viewer, slug, "revisions")
    places = tuple(environments(session, viewer))
    target = revision(session, viewer, slug, number[:80])
    place = _place(places, head, target.facts, environment)
    serving = next((one for one in head.live if one.environment_id == place.id), None)
    now = revision(session, viewer, slug, serving.revision_id) if serving else None
    evidence = evidence_for(session, viewer, slug, environment=place.slug, revision=target.facts.id)
    proposed = default_strategy(evidence.tier, is_production=place.is_production, is_something_live=now is not None)
    return NewReleaseView(
        head=head, place=place, places=places, target=target.facts, live=now.facts if now else None,
        rival=open_by_agent(session, viewer, [head.agent.id]).get((head.agent.id, place.id)),
        diff=diff(now.body if now else None, target.body, context=3), evidence=evidence,
        reviewers=reviewers_wanted(
            evidence.tier, holding_policy(session, viewer.workspace_id)[0].reviewers,
            is_production=place.is_production, is_emergency=False, is_rollback=False,
        ),
        why_tier=POLICY[evidence.tier].reason,
        evaluation=latest_of_revision(session, target.facts.id, place.id), form=form or fields_of(proposed),
        problem=problem, errors=errors or {},
    )  # fmt: skip


def _place(places: Sequence[EnvironmentFacts], head: AgentHead, target: RevisionFacts, wanted: str) -> EnvironmentFacts:
    """Return the environment that was named; else the first where another revision serves."""
    if wanted:
        found = next((one for one in places if one.slug == wanted), None)
        if found is None:
            raise NotFound("There is no such environment in this workspace.")
        return found
    served = {one.environment_id for one in head.live if one.revision_id == target.id}
    return next((one for one in places if one.id not in served), places[0])
