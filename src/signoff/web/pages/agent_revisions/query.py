"""What the list of revisions shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.agents.queries import revision, revisions_page
from signoff.agents.views import RevisionFacts
from signoff.deployments.queries import deployments_page
from signoff.deployments.views import DeploymentFacts
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.people.queries import environments
from signoff.web.agent_head import AgentHead, agent_head

SWITCHES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One revision, and the environments it serves."""

    facts: RevisionFacts
    serves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveChoice:
    """An environment one can make a revision live in, and what serves there now."""

    slug: str
    name: str
    number: int | None


@dataclass(frozen=True, slots=True)
class MakeLive:
    """The form that makes one revision live, as it was filled in."""

    number: int
    reason_of_revision: str
    choices: tuple[LiveChoice, ...]
    environment: str
    reason: str = ""
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def options(self) -> list[tuple[str, str]]:
        """Return the environments as a choice, each with what serves it now."""
        return [
            (one.slug, f"{one.name}, {f'now revision {one.number}' if one.number else 'where nothing serves yet'}")
            for one in self.choices
        ]

    @property
    def now(self) -> int | None:
        """Return the revision that serves the chosen environment."""
        return next((one.number for one in self.choices if one.slug == self.environment), None)


@dataclass(frozen=True, slots=True)
class RevisionsView:
    """One page of revisions, the newest switches, and the form when one is to be made live."""

    head: AgentHead
    rows: tuple[RevisionRow, ...]
    newer: str | None
    older: str | None
    switches: tuple[DeploymentFacts, ...]
    has_draft_edits: bool
    make_live: MakeLive | None


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    cursor: str | None = None,
    live: str = "",
    environment: str = "",
    reason: str = "",
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> RevisionsView:
    """Return the view; `live` is the number of the revision to make live."""
    head = agent_head(session, viewer, slug, "revisions")
    page = revisions_page(session, viewer, slug, cursor=cursor)
    serves: dict[str, list[str]] = {}
    for one in head.live:
        serves.setdefault(one.revision_id, []).append(one.environment)
    form = _form(session, viewer, head, live, environment) if live and head.may_deploy else None
    if form is not None and (problem or reason or errors):
        form = MakeLive(
            form.number, form.reason_of_revision, form.choices, form.environment, reason, problem, errors or {}
        )
    path = f"{head.path}/revisions"
    return RevisionsView(
        head=head,
        rows=tuple(RevisionRow(facts, tuple(reversed(serves.get(facts.id, ())))) for facts in page.rows),
        newer=f"{path}?cursor={page.previous_cursor}" if page.previous_cursor else None,
        older=f"{path}?cursor={page.next_cursor}" if page.next_cursor else None,
        switches=tuple(deployments_page(session, viewer, slug, size=SWITCHES_SHOWN).rows),
        has_draft_edits=head.agent.has_unfrozen_edits,
        make_live=form,
    )


def _form(session: Session, viewer: Principal, head: AgentHead, live: str, environment: str) -> MakeLive | None:
    try:
        facts = revision(session, viewer, head.agent.slug, live[:20]).facts
    except NotFound:
        return None
    numbers = {one.environment: one.revision_number for one in head.live}
    choices = tuple(
        LiveChoice(place.slug, place.name, numbers.get(place.slug)) for place in environments(session, viewer)
    )
    # Staging first: trying comes before serving.
    open_to_it = [one.slug for one in choices if one.number != facts.number] or [one.slug for one in choices]
    chosen = environment if environment in {one.slug for one in choices} else open_to_it[0]
    return MakeLive(facts.number, facts.reason, choices, chosen)
