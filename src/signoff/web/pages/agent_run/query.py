"""What the page that starts a run shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.queries import revision_body, revisions_page
from signoff.agents.revisions import find_revision
from signoff.connections.catalog import CatalogConnection, catalog
from signoff.gateways.tool.mailbox import MailChoice
from signoff.kit import ids
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments
from signoff.tables.agents import Agent
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.forms import Form
from signoff.web.pages.agent_run.fields import InputField, Way, input_fields, skeleton

REVISIONS_OFFERED = 50
# What the form sends for "whatever serves the environment".
SERVED = "served"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The messages to choose from; `messages` None: not read yet."""

    connection_id: str
    name: str
    messages: tuple[MailChoice, ...] | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RunNowView:
    """The form. `revision` is empty for "what serves the environment"; `number` is the revision that would run."""

    head: AgentHead
    environments: tuple[EnvironmentFacts, ...]
    environment: str
    revisions: tuple[tuple[str, str], ...]
    revision: str
    number: int | None
    mode: str
    way: Way
    fields: tuple[InputField, ...] | None
    schema: Mapping[str, Any] | None
    mailbox: Mailbox | None
    is_scripted: bool
    skeleton: str
    once: str
    form: Form
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def served(self) -> int | None:
        """Return the revision that serves the chosen environment."""
        return next((one.revision_number for one in self.head.live if one.environment == self.environment), None)

    @property
    def places(self) -> list[tuple[str, str]]:
        """Return the environments as a choice."""
        return [(one.slug, one.name) for one in self.environments]

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Return the revisions as a choice, the one that serves first."""
        serves = f"What serves here: revision {self.served}" if self.served else "What serves here: nothing yet"
        return [(SERVED, serves), *self.revisions]

    @property
    def message_field(self) -> InputField | None:
        """Return the field that takes a message id."""
        return next((one for one in self.fields or () if one.kind == "message"), None)

    @property
    def all_errors(self) -> list[str]:
        """Return everything that is wrong with the input, each with its place; for the field that takes it whole."""
        return [
            f"{path.removeprefix('input').lstrip('/') or 'input'}: {sentence}"
            for path, sentences in self.errors.items()
            for sentence in sentences
        ]

    def query(self, way: str) -> str:
        """Return this choice as the query of an address, with the input taken another way."""
        said = {"environment": self.environment, "revision": self.revision, "mode": self.mode, "way": way}
        return urlencode({name: value for name, value in said.items() if value})

    @property
    def is_production(self) -> bool:
        """Return whether it would act in production."""
        return any(one.slug == self.environment and one.is_production for one in self.environments)


def load(session: Session, viewer: Principal, slug: str, asked: Form) -> RunNowView:
    """Return the view for the environment, revision and form that were asked for, or the usual ones."""
    head = agent_head(session, viewer, slug, "run")
    places = environments(session, viewer)
    environment = _environment(asked.text("environment"), head, places)
    revision, body, number = _revision(session, head, asked.text("revision").replace(SERVED, ""), environment)
    slots = {slot.slot for slot in body.tools} if body else set[str]()
    mailbox = _mailbox(catalog(session, viewer, slots=slots), environment)
    fields = input_fields(body.input_schema, has_mailbox=mailbox is not None) if body else None
    return RunNowView(
        head=head,
        environments=tuple(reversed(places)),
        environment=environment,
        revisions=_revisions(session, viewer, head, revision),
        revision=revision,
        number=number,
        mode="sandbox" if asked.text("mode") == "sandbox" else "live",
        way=_way(asked.text("way"), body, fields),
        fields=tuple(fields) if fields is not None else None,
        schema=body.input_schema if body else None,
        mailbox=mailbox,
        is_scripted=bool(body and body.model.name.startswith("scripted:")),
        skeleton=skeleton(body.input_schema if body else None),
        once=asked.text("once") or ids.new_token("web", 12),
        form=asked,
    )


def refused(view: RunNowView, problem: str, errors: Mapping[str, Sequence[str]]) -> RunNowView:
    """Return the view with what was wrong."""
    return replace(view, problem=problem, errors=errors)


def _environment(asked: str, head: AgentHead, places: Sequence[EnvironmentFacts]) -> str:
    known = [place.slug for place in places]
    if asked in known:
        return asked
    served = {one.environment for one in head.live}
    # Trying comes before acting: staging when something serves there.
    return next((place.slug for place in places if place.slug in served and not place.is_production), known[-1])


def _revision(session: Session, head: AgentHead, asked: str, environment: str) -> tuple[str, Body | None, int | None]:
    if asked:
        try:
            row = find_revision(session, session.get_one(Agent, head.agent.id), asked[:20])
        except NotFound:
            return "", *_served(session, head, environment)
        return str(row.number), revision_body(session, row.id), row.number
    return "", *_served(session, head, environment)


def _served(session: Session, head: AgentHead, environment: str) -> tuple[Body | None, int | None]:
    live = next((one for one in head.live if one.environment == environment), None)
    return (revision_body(session, live.revision_id), live.revision_number) if live else (None, None)


def _mailbox(known: Mapping[str, Sequence[CatalogConnection]], environment: str) -> Mailbox | None:
    for places in known.values():
        for one in places:
            if one.environment == environment and one.kind == "mail" and one.state == "active":
                return Mailbox(one.id, one.name)
    return None


def _revisions(session: Session, viewer: Principal, head: AgentHead, chosen: str) -> tuple[tuple[str, str], ...]:
    rows = revisions_page(session, viewer, head.agent.slug, size=REVISIONS_OFFERED).rows
    offered = [(str(one.number), f"Revision {one.number}: {one.name or one.reason}"[:90]) for one in rows]
    if chosen and chosen not in {key for key, _ in offered}:
        offered.append((chosen, f"Revision {chosen}"))
    return tuple(offered)


def _way(asked: str, body: Body | None, fields: list[InputField] | None) -> Way:
    if asked == "json":
        return "json"
    if fields is not None:
        return "fields"
    return "text" if body is not None and body.input_schema is None else "json"
